"""Fast path of `sync`: with one `stat` per file of the snapshot, decides that there is nothing to do."""

from __future__ import annotations

import os

from devboot import snapshot
from devboot.app.fast.call import NOTHING_TO_INSTALL
from devboot.app.fast.data_check import is_plausible
from devboot.app.fast.streams import Streams
from devboot.daemon import leases
from devboot.snapshot import CHOSEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call

_HARMLESS = {"check", "locked", "frozen", "offline"}  # flags without effect if everything is installed


def carry_out(call: Call) -> int | None:
    """Print that everything is installed and return 0; None if the slow path has to check or install something."""
    if set(call.values) - _HARMLESS or call.args:
        return None
    known = snapshot.read(f"{call.state}/{snapshot.NAME}")
    if known is None or not snapshot.is_fresh(known, call.root, call.environ):
        return None
    runs = leases.is_daemon_alive(leases.daemon_path(call.state))  # then its own processes change the data
    if not is_plausible(known.data, None if runs else snapshot.since(call.state)):
        return None
    is_check = call.flag("check")
    if not is_check and os.path.exists(f"{call.state}/{CHOSEN}"):
        return None  # a restored generation has to be replaced
    if not call.output.quiet:
        name = known.plan_plain[0]
        Streams().say(
            "everything is up to date\n" if is_check else f"{name} is ready, {NOTHING_TO_INSTALL}: devboot up\n"
        )
    return 0
