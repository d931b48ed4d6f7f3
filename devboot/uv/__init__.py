"""The only wrapper of uv's command line: interpreters, virtualenvs, locks, installs, and its errors."""
