"""Lists what has changed since a snapshot was made, with one `stat` per file."""

from __future__ import annotations

from devboot import snapshot as snapshots
from devboot.paths import shown_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.snapshot import Snapshot


def changes_since(known: Snapshot, root: str, environ: Mapping[str, str], state: str = "") -> tuple[str, ...]:
    """Return the names of files and variables that have changed since the snapshot was composed for `root`.

    devboot's own files in the folder `state` are left out: `scale` records ports there, which isn't an edit.
    """
    changed = (stamp for stamp in snapshots.changed(known) if not (state and stamp[0].startswith(f"{state}/")))
    files = dict.fromkeys(_described(path, kind, root) for path, kind, _ in changed)
    names = [name for name, value in known.inherited if environ.get(name) != value]
    return (*files, *(f"the shell's `{name}` has changed" for name in names))


def _described(path: str, kind: int, root: str) -> str:
    name = shown_from(path, root)
    return f"other files match `{name}` now" if kind == snapshots.MATCHED else f"{name} has changed"
