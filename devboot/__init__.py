"""Clone, `devboot up`, work: local services, virtualenv and processes from one manifest."""

__version__ = "0.1.0"
