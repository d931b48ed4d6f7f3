"""`devboot logs` with filters: parses the filters, finds matching lines, formats them."""
