"""`sync`: installs everything that the project needs, starts nothing; `--check` only reports what is missing."""

from __future__ import annotations

import os

from devboot import snapshot as snapshots
from devboot.app.preparation.prepare import Prepared, prepare_loaded
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.app.staleness import changes_since
from devboot.events import Reporter
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context


class SyncCheck(Record):
    """Result of `sync --check`: sentences on what is `missing` or stale."""

    missing: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Return whether a sync would do nothing."""
        return not self.missing


def sync(loaded: Loaded, context: Context, options: PrepareOptions, reporter: Reporter) -> Prepared:
    """Bring lock, store, virtualenv and databases up to date with the project. Raises the errors of `prepare`."""
    return prepare_loaded(loaded, context, options._replace(starts=False), reporter)


def check(loaded: Loaded, context: Context) -> SyncCheck:
    """Return what has changed in the project since the last preparation; changes nothing."""
    known = snapshots.read(os.path.join(loaded.project.state, snapshots.NAME))
    if known is None:
        return SyncCheck(("this project has not been synced yet",))
    return SyncCheck(changes_since(known, loaded.project.root, context.environ))
