"""`--frozen`: uses devboot.lock unchanged, even if the manifest has changed since."""

from __future__ import annotations

from collections.abc import Iterable

from devboot.errors import LockError
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, Wish


def frozen_lock(lock: Lock | None, wishes: Iterable[Wish], *, needs_python: bool) -> Lock:
    """Return the lock reduced to these requests: for each its locked package, else the recipe's first locked one.

    Raises LockError `lock/frozen` for a package that isn't locked in any version.
    """
    known = lock or Lock()
    found = {wish: _locked_package(known, wish) for wish in dict.fromkeys(wishes)}
    missing = [f"`{wish.name}`" for wish, package in found.items() if package is None]
    if needs_python and known.python is None:
        missing.append("the Python packages")
    if missing:
        raise LockError(
            "lock/frozen",
            f"devboot.lock doesn't have {', '.join(missing)}, and `--frozen` doesn't choose versions",
            help=["devboot lock"],
        )
    packages = [
        package.model_copy(update={"requested": wish.requested, "insisted": wish.insisted})
        for wish, package in found.items()
        if package is not None
    ]
    return known.model_copy(update={"package": tuple(packages)})


def _locked_package(lock: Lock, wish: Wish) -> LockedPackage | None:
    return lock.find(*wish) or next((package for package in lock.package if package.name == wish.name), None)
