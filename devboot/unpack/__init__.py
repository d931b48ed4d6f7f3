"""Unpacks tar, zip and ar archives into folders; treats every archive as hostile and checks each member first.

The readers of headers are devboot's own: tarfile and zipfile accept archives that other programs read differently, such
as two names or sizes for one member, data after the end, or two directories. They are the second opinion in the tests,
and tarfile's `data_filter` is applied to each member besides.
"""

from devboot.unpack.archive import unpack
from devboot.unpack.limits import LIMITS, Limits

__all__ = ["LIMITS", "Limits", "unpack"]
