"""Output of processes: relayed to viewers, searched for readiness, written to logs and read back."""
