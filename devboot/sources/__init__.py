"""Sources of artifacts: one module per kind, each implementing `resolve.source.Source`."""
