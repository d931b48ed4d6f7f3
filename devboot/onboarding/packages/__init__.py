"""The Python packages that the application needs: from lists, extras and groups, imports."""
