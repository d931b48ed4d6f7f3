"""Front ends beside a Python API: which one a clone has, how its pages are served, and what leads them to the API."""
