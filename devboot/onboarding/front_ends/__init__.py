"""Front ends of Python APIs: which one a clone has, how its pages are served, and how it finds the API."""
