"""Where artifacts come from: one module a kind, each satisfying `resolve.source.Source`."""
