"""Calls the most frequent commands without Typer, whose import takes as long as reading the project.

`app.arguments` has checked flags and arguments by the table of commands.
"""

from __future__ import annotations

from devboot.app.arguments import Invocation
from devboot.cli.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _up(invocation: Invocation, session: Session) -> int:
    from devboot.cli.commands import preparing

    values = dict(invocation.values)
    dry_run, runner = bool(values.pop("dry-run", False)), str(values.pop("runner", ""))
    return preparing.up(session, invocation.args, values, dry_run=dry_run, runner=runner)


def _run(invocation: Invocation, session: Session) -> int:
    from devboot.cli.commands import fast

    code = fast.run(invocation.args, session, no_sync=invocation.flag("no-sync"))
    if code is not None:
        return code
    from devboot.cli.commands import preparing

    return preparing.run(session, invocation.args)


def _sync(invocation: Invocation, session: Session) -> int:
    from devboot.app.preparation.project.options import PrepareOptions
    from devboot.cli.commands import preparing

    options = PrepareOptions(
        is_locked=invocation.flag("locked"),
        takes_lock_as_it_is=invocation.flag("frozen"),
        is_offline=invocation.flag("offline"),
        is_forced=invocation.flag("force"),
        kit=str(invocation.values.get("from", "")),
    )
    return preparing.sync(session, options, check=invocation.flag("check"))


def _lock(invocation: Invocation, session: Session) -> int:
    if invocation.args:
        from devboot.cli.commands import lock_diff

        return lock_diff.diff(session, invocation.args)
    from devboot.cli.commands import preparing

    update = invocation.values.get("update")
    names = update if isinstance(update, tuple) else ()
    return preparing.lock(session, check=invocation.flag("check"), update=names, offline=invocation.flag("offline"))


def _init(invocation: Invocation, session: Session) -> int:
    from devboot.cli.commands import init_doctor

    flag = invocation.flag
    return init_doctor.init(session, merges=flag("merge"), only_diff=flag("diff"), example=flag("example"))


def _doctor(invocation: Invocation, session: Session) -> int:
    from devboot.app.commands.doctor import Reach
    from devboot.cli.commands import init_doctor

    flag = invocation.flag
    reach = Reach(probes=flag("probe"), is_online=flag("online"))
    for name, carry_out in (("read", init_doctor.read_report), ("report", init_doctor.write_report)):
        path = invocation.values.get(name)
        if path is not None:  # an empty one is refused there
            return carry_out(session, invocation.args, str(path), yes=flag("yes"), reach=reach)
    return init_doctor.doctor(
        session,
        invocation.args,
        only_list=flag("list"),
        strict=flag("strict"),
        fix=flag("fix"),
        yes=flag("yes"),
        dry_run=flag("dry-run"),
        reach=reach,
    )


COMMANDS: dict[str, Callable[[Invocation, Session], int]] = {
    "up": _up,
    "run": _run,
    "sync": _sync,
    "lock": _lock,
    "init": _init,
    "doctor": _doctor,
}
