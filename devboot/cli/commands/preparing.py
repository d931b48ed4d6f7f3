"""Commands that read the manifest and install what is missing; expensive to import."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from devboot.app.commands.fast_up import AGAIN, refuse_nested
from devboot.app.fast.daemon_connection import refuse_stopped
from devboot.app.preparation.last_failure import failure_on_record
from devboot.app.preparation.prepare import Prepared, prepare_loaded
from devboot.app.preparation.project.load import PROPOSED, look_at_project
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.cli.session import Session
from devboot.errors import Exit, LockError, WorkError
from devboot.events import doing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.flag_overrides import Adjustments

_MOVES = 3  # times that an `up` looks for other ports, where those that it has chosen are taken in the meantime


def up(session: Session, names: Sequence[str], values: Mapping[str, object], *, dry_run: bool, runner: str) -> int:
    """Prepare the project, then start and show its processes, or print the steps of a dry run; return the exit code."""
    from devboot.app.commands.preparing.up import begin, prepare_options, refuse_unknown_names
    from devboot.app.preparation.flag_overrides import adjust, adjustments

    wanted = adjustments(values)
    if dry_run:
        if values.get("from"):
            from devboot.app.preparation.install.kit import verify_kit

            verify_kit(str(values["from"]), session.context.cwd)
        return _dry_run(session, names, values, wanted)
    if runner:
        from devboot.app.commands.preparing.runner import refuse_unknown

        refuse_unknown(runner)
    loaded = adjust(load_with_settings(session), wanted, session.context.cwd)
    call = session.call("up", names, values, loaded.project)
    refuse_nested(call)
    refuse_stopped(call)
    refuse_unknown_names(loaded, names, values.get("except"))
    prepared = _prepare(session, loaded, prepare_options(call), as_events=True)
    handle, session.handle = session.handle, None
    if runner:
        from devboot.app.commands.preparing.runner import run_with

        return run_with(runner, call, prepared, handle)
    code = begin(call, prepared, handle, moves=True)
    for left in reversed(range(_MOVES)):
        if code != AGAIN:
            break
        before = prepared.composed.plan.fingerprint
        prepared = _prepare(session, _without_notes(loaded), prepare_options(call), as_events=True, is_brief=True)
        has_moved = before != prepared.composed.plan.fingerprint
        code = begin(call, prepared, None, moves=has_moved and left > 0)
    if session.json and call.flag("detach"):
        session.out_json({"event": "failed" if code else "up", "exit": code}, header=False)
    return code


def load_with_settings(session: Session) -> Loaded:
    """Load the project; after a question, copy settings modules that the clone has only as templates.

    Raises ManifestError `manifest/only-template`.
    """
    loaded = session.load()
    if not loaded.templates:
        return loaded
    from devboot.app.preparation.project.settings_templates import copy_templates, only_template

    if not session.can_ask:
        raise only_template(loaded)
    for template, target in loaded.templates:
        session.say(f"`{target}` is needed but not in the clone: copy its template `{template}`?")
    if not session.is_yes():
        raise only_template(loaded)
    copy_templates(loaded)
    return session.load()


def _without_notes(loaded: Loaded) -> Loaded:
    """Return the loaded project without its notes, which have been printed."""
    return loaded._replace(notes=(), state_notes=(), fresh_detection=False)


def scale(session: Session, counts: Sequence[str]) -> int:
    """Choose ports for a new number of instances, and send the new plan to the daemon; return the exit code.

    Nothing is installed.
    """
    from devboot.app.commands.preparing.scale import apply_plan, with_counts
    from devboot.app.preparation.compose.port_choice import allocate_ports
    from devboot.app.preparation.compose.preview import Preview

    loaded = session.load()
    call = session.call("scale", (), {}, loaded.project)
    rescaled = with_counts(call, loaded, counts)
    options = PrepareOptions(is_running=True)
    preview = Preview(rescaled, session.context, options)
    ports = allocate_ports(preview.loaded, preview.wanted_ports, options, session.context.paths())
    return apply_plan(call, loaded, preview.compose(ports.numbers))


def run(session: Session, words: Sequence[str]) -> int:
    """Prepare the project, then replace this process by the command; return the exit code of a task."""
    from devboot.app.commands.preparing.run_task import run as run_prepared, task_called
    from devboot.app.preparation.compose.composition import tasks_of

    loaded = session.load()
    call = session.call("run", words, {}, loaded.project)
    if words and words[0] != "--":
        task_called(words[0], tasks_of(loaded))
    prepared = _prepare(session, loaded, PrepareOptions(starts=False, is_running=True))
    return run_prepared(call, prepared, session.context.cwd)


def sync(session: Session, options: PrepareOptions, *, check: bool) -> int:
    """Prepare the project without starting it; with `check` only report what is missing. Returns the exit code.

    Raises WorkError `sync/needed` if `check` finds something.
    """
    loaded = look_at_project(session.context.cwd, session.context.environ) if check else session.load()
    if check:
        from devboot.app.commands.preparing import sync as syncing

        missing = syncing.check(loaded, session.context).missing
        if not missing:
            session.say("everything is up to date")
            return Exit.OK
        raise WorkError("sync/needed", f"{loaded.name} is not up to date", causes=missing[:5], help=["devboot sync"])
    prepared = _prepare(session, loaded, options._replace(starts=False, is_running=True))
    session.say(f"{loaded.name} is ready{f', {prepared.installed}' if prepared.installed else ''}: devboot up")
    return Exit.OK


def lock(session: Session, *, check: bool, update: Sequence[str], offline: bool) -> int:
    """Resolve versions and write devboot.lock; with `check` only report whether it is current. Returns the exit code.

    Raises LockError `lock/stale` if `check` finds a stale lock.
    """
    from devboot.app.commands.preparing import lock as locking

    context = session.context
    loaded = look_at_project(context.cwd, context.environ) if check else session.load()
    shown = loaded.project.lock_from(context.cwd)
    if check:
        reasons = locking.check(loaded, context)
        if reasons:
            raise LockError("lock/stale", f"{shown} is out of date", details=reasons, help=["devboot lock"])
        if session.json:
            session.out_json({"lock": shown, "current": True})
        session.say(f"{shown} is up to date")
        return Exit.OK
    with session.reporting(loaded.name) as reporter, doing(reporter, "project", "looking for what the project needs"):
        done = locking.lock(loaded, context, reporter, update=tuple(update), is_offline=offline)
    if session.json:
        from devboot.ui.locks import lock_as_json

        session.out_json(lock_as_json(done))
    else:
        session.say(f"wrote {shown}" if done.written else f"{shown} unchanged")
    return Exit.OK


def export(session: Session, kind: str, folder: str, values: Mapping[str, object]) -> int:
    """Prepare the project, then write service files for another supervisor; return the exit code."""
    from devboot.app.commands.preparing import export as exporting
    from devboot.app.commands.preparing.up import refuse_unknown_names
    from devboot.app.preparation.flag_overrides import adjust, adjustments

    context = session.context
    folder = os.path.normpath(os.path.join(context.cwd, folder))
    exporting.refuse_unusable(kind, folder)
    loaded = adjust(session.load(), adjustments(values), context.cwd)
    refuse_unknown_names(loaded, (), values.get("except"))
    prepared = _prepare(session, loaded, PrepareOptions(starts=False, is_running=True))
    form = exporting.form_of(kind, folder, loaded.name, values, context)
    done = exporting.export(form, prepared, values, at=context.wall_clock())
    for line in exporting.report_lines(form, prepared, done, os.path.relpath(folder, context.cwd)):
        session.say(line)
    return Exit.OK


def _prepare(
    session: Session, loaded: Loaded, options: PrepareOptions, *, as_events: bool = False, is_brief: bool = False
) -> Prepared:
    """Prepare the project with the progress display that suits the terminal; then mask its secrets in output."""
    told = session.reporting(loaded.name, as_events=as_events, is_brief=is_brief)
    with failure_on_record(loaded.project.state, session.mask), told as reporter:
        prepared = prepare_loaded(loaded, session.context, options, reporter)
    # PORT of an env-file is where the ports begin, which messages name.
    secrets = (one for one in prepared.composed.composition.variables if one.secret and one.name != "PORT")
    session.mask.add(one.value for one in secrets)
    session.mask.add(service.exports["own_password"] for service in prepared.composed.services)
    return prepared


def _dry_run(session: Session, names: Sequence[str], values: Mapping[str, object], wanted: Adjustments) -> int:
    from devboot.app.commands.preparing.dry_run import dry_run as dry_run_of, named_processes
    from devboot.app.commands.preparing.up import prepare_options
    from devboot.app.preparation.compose.preview import Preview, compare_with_running
    from devboot.app.preparation.flag_overrides import adjust
    from devboot.ui.plans import plan_as_json, render_plan

    context = session.context
    loaded = adjust(look_at_project(context.cwd, context.environ), wanted, context.cwd)
    call = session.call("up", names, values, loaded.project)
    preview = Preview(loaded, context, prepare_options(call))
    planned = dry_run_of(preview, call)
    running = compare_with_running(preview, call, named_processes(preview, call))
    if session.json:
        session.out_json(plan_as_json(planned, running, session.mask))
    else:
        if loaded.fresh_detection:
            session.say(f"no devboot.toml: using {PROPOSED}")
        for text, warns in loaded.notes:
            session.say(f"{'warning' if warns else 'note'}: {text}")
        session.out(render_plan(planned, running, session.mask, width=session.width()))
    return Exit.OK
