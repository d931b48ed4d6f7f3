"""Everything that is installed or made before a start: store objects, interpreters, folders, data."""
