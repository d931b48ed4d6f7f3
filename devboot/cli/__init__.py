"""The command line: composes all layers, and is the only one that reads variables, directory and clocks."""
