"""`devboot scale`: changes the number of instances of processes in a running project; the rest stays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import Composed
from devboot.app.preparation.flag_overrides import parse_formation, present_formation
from devboot.app.preparation.project.loaded import Loaded
from devboot.errors import WorkError
from devboot.model.process import plan_to_plain


def with_counts(call: Call, loaded: Loaded, counts: Sequence[str]) -> Loaded:
    """Return the project with the instances that run now, changed by `counts` (`worker=3`).

    Sets the call's names to the scaled processes. Raises UsageError, WorkError `daemon/not-running`.
    """
    asked = parse_formation(counts, loaded)
    call.args = tuple(asked)
    present = present_formation(_running(call, loaded, asked), loaded)
    return loaded._replace(formation=present | asked, is_adjusted=True)


def apply_plan(call: Call, loaded: Loaded, composed: Composed) -> int:
    """Apply the plan in the daemon, but only for the scaled processes; return the exit code once they are spawned.

    Raises WorkError `daemon/not-running`.
    """
    found = daemon_connection.meet(call)
    if found.client is None:
        raise _not_running(loaded, {name: loaded.formation[name] for name in call.args})
    plan = plan_to_plain(composed.plan)
    return daemon_connection.answer(call, found.client, fingerprint=composed.plan.fingerprint, plan=plan)


def _running(call: Call, loaded: Loaded, asked: Mapping[str, int]) -> list[str]:
    """Return the names of all processes that the daemon has, instances included."""
    found = daemon_connection.meet(call)
    if found.client is None:
        raise _not_running(loaded, asked)
    return [str(each["name"]) for each in json.loads(daemon_connection.written(call, found.client, "ps"))["processes"]]


def _not_running(loaded: Loaded, asked: Mapping[str, int]) -> WorkError:
    formation = ",".join(f"{name}={count}" for name, count in asked.items())
    return WorkError("daemon/not-running", f"{loaded.name} is not running", help=[f"devboot up -d -m {formation}"])
