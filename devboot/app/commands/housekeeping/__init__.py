"""Commands for the files that devboot keeps on this machine: store, state, generations."""
