"""Runs devboot from this checkout; `devbootw` starts it with `python -I -S`.

Without `site` an interpreter starts in three quarters of the time. The first import of something that is neither
devboot nor the standard library brings `site`, and with it the virtualenv's packages, in after all.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder  # importlib.machinery's own, without what that imports besides

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Packages:
    """Asked when every other finder has found nothing."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Let the virtualenv in, once, and look again."""
        sys.meta_path.remove(Packages)
        import site

        site.main()
        return PathFinder.find_spec(name, path, target)


sys.path.append(__file__.removesuffix("/scripts/launch.py"))
sys.meta_path.append(Packages)
sys.argv[0] = os.environ.pop("DEVBOOTW", "devboot")  # how the wrapper was called, for advice that can be pasted

from devboot.__main__ import main  # noqa: E402

sys.exit(main())
