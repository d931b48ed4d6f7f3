"""The fast path: what commands share that are carried out before Typer or the manifest is read."""
