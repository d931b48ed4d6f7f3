"""Front ends of Python APIs: whether a clone has one, how its pages are served, how it finds the API."""
