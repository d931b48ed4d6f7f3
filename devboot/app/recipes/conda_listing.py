"""Queries a conda channel for the newest release of a recipe's package."""

from __future__ import annotations

from devboot.app.preparation.locking.conda_rows import list_conda
from devboot.app.recipes.update import Listable
from devboot.model.edge.recipe.recipe import Release
from devboot.model.edge.recipe.source_tables import CondaOrigin


class CondaListing:
    """Queries the conda channel that a recipe names; `cache` is devboot's cache directory."""

    def __init__(self, cache: str) -> None:
        self._cache = cache

    def listed(self, origin: Listable, condition: str, exclude_newer: str) -> Release:  # noqa: ARG002  solved anew
        """Return the newest release in the channel that meets a condition; see `Listing`, and `list_conda`."""
        assert isinstance(origin, CondaOrigin)
        return list_conda(origin, condition, self._cache)
