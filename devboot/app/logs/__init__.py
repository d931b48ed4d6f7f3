"""`devboot logs` with filters: parses them, finds the lines, formats them."""
