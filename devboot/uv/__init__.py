"""The one wrapper of uv's command line: interpreters, virtualenvs, locks, installs; uv's failures translated."""
