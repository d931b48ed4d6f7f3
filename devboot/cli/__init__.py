"""The command line: composes all layers; only this package reads the environment, the current folder and clocks."""
