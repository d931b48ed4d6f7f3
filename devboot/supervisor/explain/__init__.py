"""Error messages for processes that did not start, ended or never became ready, with advice."""
