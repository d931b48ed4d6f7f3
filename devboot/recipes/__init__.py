"""Finds and parses recipes: the project's own first, then the bundled ones."""

from devboot.recipes.folders import KnownRecipe, RecipeFolders, bundled_folder

__all__ = ["KnownRecipe", "RecipeFolders", "bundled_folder"]
