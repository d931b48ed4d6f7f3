"""Archives into folders, read as if whoever packed them meant harm: tar, zip and ar, each member looked at first."""

from devboot.unpack.archive import unpack
from devboot.unpack.limits import LIMITS, Limits

__all__ = ["LIMITS", "Limits", "unpack"]
