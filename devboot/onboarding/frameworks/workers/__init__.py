"""Worker libraries, schedulers and bots, one module each."""
