"""Unpacks tar, zip and ar archives into folders; treats every archive as hostile and checks each member first."""

from devboot.unpack.archive import unpack
from devboot.unpack.limits import LIMITS, Limits

__all__ = ["LIMITS", "Limits", "unpack"]
