"""What is measured: one module each, with a TITLE and `measure(quick) -> Section`."""
