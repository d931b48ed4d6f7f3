"""Frameworks whose scripts are servers, one module each."""
