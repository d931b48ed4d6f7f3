"""The packages that the application needs: lists, extras and groups, imports."""
