"""Commands that look after what devboot keeps on this machine: store, state, generations."""
