"""Sources of artifacts: one module per kind, each satisfying `resolve.source.Source`."""
