"""Grammar of recipe.toml and versions.toml."""
