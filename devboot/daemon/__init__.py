"""The background process of a project: forked by the command line, found by later commands, ended with its children."""
