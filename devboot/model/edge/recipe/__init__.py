"""recipe.toml and versions.toml: their grammar."""
