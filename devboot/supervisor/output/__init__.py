"""What processes write: relayed to viewers, searched for readiness, kept in log files and read from them again."""
