"""The fast path: shared code of commands that run without Typer and without reading the manifest."""
