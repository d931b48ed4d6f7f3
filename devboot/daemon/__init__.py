"""One background process per project: started from the command line, found again, and never outlived by children."""
