"""Explanations of failures: why a process did not start, ended or never became ready, in words and with advice."""
