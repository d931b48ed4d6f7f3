"""What a person reads, by the standard library alone: tables, symbols, nearest matches; no I/O."""
