"""What clients are shown: output, `ps`, the progress of a start, and where its time went."""
