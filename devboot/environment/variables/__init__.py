"""Variables of processes: env-files, layers, generated secrets."""
