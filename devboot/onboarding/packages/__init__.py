"""Which packages the application needs: lists, extras and groups, imports."""
