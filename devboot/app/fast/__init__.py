"""The fast path: shared parts of the commands that run without Typer and without reading the manifest."""
