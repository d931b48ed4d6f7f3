"""The Typer application: one function per command that `direct` doesn't call."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from devboot.app.arguments import Invocation, flag_key
from devboot.app.command_table import BY_NAME, Flag
from devboot.cli import completions as completion_scripts
from devboot.cli.commands import topics
from devboot.cli.session import Session
from devboot.errors import UsageError

application = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
)

_Function = TypeVar("_Function", bound=Callable[..., int])

# Typer's own usage error, the base of BadParameter, isn't among its public names.
_TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]


def carry_out(invocation: Invocation, session: Session) -> int:
    """Call the command's function with its flags converted to their types; return the exit code. Raises UsageError."""
    group = typer.main.get_command(application)
    try:
        # Not by calling it: that would silently turn KeyboardInterrupt and EPIPE into exit codes.
        with group.make_context("devboot", words_of(invocation), obj=session) as context:
            result = group.invoke(context)
    except _TyperUsageError as error:
        raise _translated(error, invocation.command) from error
    return int(result)


def command(name: str) -> Callable[[_Function], _Function]:
    """Return a decorator that registers a function with Typer as the command `name` of the table."""
    return application.command(name, help=BY_NAME[name].help, add_help_option=False)


def option(name: str, spelling: str) -> Any:
    """Return the Typer option for a flag of command `name`, as the table of commands describes it."""
    flag = next(flag for flag in BY_NAME[name].flags if spelling in flag.names)
    return typer.Option(*flag.names, help=flag.help, metavar=flag.metavar or None)


def flags_of(name: str) -> Callable[[_Function], _Function]:
    """Return a decorator that declares the options of command `name` on a function with `**flags`, from the table."""

    def declare(function: _Function) -> _Function:
        written = inspect.signature(function, eval_str=True).parameters.values()
        own = [each for each in written if each.kind is not each.VAR_KEYWORD]
        for flag in BY_NAME[name].flags:
            key = flag_key(flag).replace("-", "_")
            key += "_" if keyword.iskeyword(key) else ""
            kind, default = _kind_of(flag)
            wanted: Any = Annotated[kind, option(name, flag.names[-1])]
            function.__annotations__[key] = wanted
            own.append(inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=wanted))
        function.__annotations__.pop("flags", None)
        function.__signature__ = inspect.Signature(own, return_annotation=int)  # type: ignore[attr-defined]
        return function

    return declare


def _kind_of(flag: Flag) -> tuple[Any, Any]:
    """Return the Python type for a flag's value, and the default when the flag is missing."""
    if flag.multiple:
        return list[str] | None, None
    if not flag.metavar:
        return bool, False
    return str, ""


@command("scale")
def scale(ctx: typer.Context, counts: Annotated[list[str], typer.Argument()]) -> int:
    """Change the number of running instances (`worker=3`); return the exit code."""
    from devboot.cli.commands import preparing

    return preparing.scale(_session(ctx), counts)


@command("pack")
@flags_of("pack")
def pack(ctx: typer.Context, **flags: Any) -> int:
    """Write a kit; return the exit code."""
    from devboot.cli.commands import packing

    return packing.pack(_session(ctx), _values(**flags))


@command("export")
@flags_of("export")
def export(
    ctx: typer.Context, kind: Annotated[str, typer.Argument()], folder: Annotated[str, typer.Argument()], **flags: Any
) -> int:
    """Write service files for another supervisor; return the exit code."""
    from devboot.cli.commands import preparing

    return preparing.export(_session(ctx), kind, folder, _values(**flags))


@command("generations")
def generations(
    ctx: typer.Context,
    json: Annotated[bool, option("generations", "--json")] = False,  # noqa: ARG001  read by the session
) -> int:
    """List generations; return the exit code."""
    from devboot.cli.commands import generations as listed

    return listed.generations(_session(ctx))


@command("diff")
def diff(
    ctx: typer.Context,
    numbers: Annotated[list[str] | None, typer.Argument()] = None,
    json: Annotated[bool, option("diff", "--json")] = False,  # noqa: ARG001  read by the session
) -> int:
    """Print the differences of two generations; return the exit code."""
    from devboot.cli.commands import generations as compared

    return compared.diff(_session(ctx), numbers or [])


@command("rollback")
def rollback(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument()] = "",
    json: Annotated[bool, option("rollback", "--json")] = False,  # noqa: ARG001  read by the session
    offline: Annotated[bool, option("rollback", "--offline")] = False,
) -> int:
    """Switch back to an earlier generation; return the exit code."""
    from devboot.cli.commands import generations as gone_back

    return gone_back.rollback(_session(ctx), number, is_offline=offline)


@command("gc")
def gc(
    ctx: typer.Context,
    dry_run: Annotated[bool, option("gc", "--dry-run")] = False,
    older_than: Annotated[str, option("gc", "--older-than")] = "",
    data: Annotated[bool, option("gc", "--data")] = False,
    json: Annotated[bool, option("gc", "--json")] = False,  # noqa: ARG001  read by the session
) -> int:
    """Remove store objects that nothing uses; return the exit code."""
    from devboot.cli.commands import housekeeping

    return housekeeping.gc(_session(ctx), older_than=older_than, is_dry=dry_run, with_data=data)


@command("state")
def state(
    ctx: typer.Context,
    action: Annotated[str, typer.Argument()],
    name: Annotated[str, typer.Argument()] = "",
    data: Annotated[bool, option("state", "--data")] = False,
    json: Annotated[bool, option("state", "--json")] = False,  # noqa: ARG001  read by the session
) -> int:
    """Print the paths of state and data, or adopt those of a deleted project; return the exit code."""
    from devboot.cli.commands import state as keeping

    return keeping.state(_session(ctx), action, name, is_data=data)


@command("store")
def store(
    ctx: typer.Context,
    action: Annotated[str, typer.Argument()],
    names: Annotated[list[str] | None, typer.Argument()] = None,
    json: Annotated[bool, option("store", "--json")] = False,  # noqa: ARG001  read by the session
) -> int:
    """List the store, verify it, or repair it; return the exit code."""
    from devboot.cli.commands import housekeeping

    return housekeeping.store(_session(ctx), action, names or [])


@command("recipe")
def recipe(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument()],
    as_: Annotated[str, option("recipe", "--as")] = "",
    exclude_newer: Annotated[str, option("recipe", "--exclude-newer")] = "",
    json: Annotated[bool, option("recipe", "--json")] = False,  # noqa: ARG001  read by the session
    offline: Annotated[bool, option("recipe", "--offline")] = False,
) -> int:
    """Write, update or test a recipe; return the exit code."""
    from devboot.cli.commands import recipes

    return recipes.recipe(_session(ctx), words, version=as_, exclude_newer=exclude_newer, offline=offline)


@command("import")
@flags_of("import")
def import_(ctx: typer.Context, files: Annotated[list[str] | None, typer.Argument()] = None, **flags: Any) -> int:
    """Convert a compose file to a manifest; return the exit code."""
    from devboot.cli.commands import importing

    return importing.import_compose(_session(ctx), files or [], _values(**flags))


@command("explain")
def explain(ctx: typer.Context, slug: Annotated[str, typer.Argument()] = "") -> int:
    """Print the explanation of an error slug, or all slugs; return the exit code."""
    return topics.explain(slug, _session(ctx))


@command("completions")
def completions(
    ctx: typer.Context, shell: Annotated[str, typer.Argument()], kind: Annotated[str, typer.Argument()] = ""
) -> int:
    """Print a completion script for a shell; return the exit code."""
    return completion_scripts.completions(shell, kind, _session(ctx))


@command("help")
def help_(ctx: typer.Context, topic: Annotated[str, typer.Argument()] = "") -> int:
    """Print a command's help, or a topic; return the exit code."""
    return topics.help_on(topic, _session(ctx))


def _values(**flags: object) -> dict[str, object]:
    """Return the given flags by their names in an Invocation, as `dry-run`."""
    return {name.rstrip("_").replace("_", "-"): value for name, value in flags.items() if value}


def _session(ctx: typer.Context) -> Session:
    session = ctx.obj
    assert isinstance(session, Session)
    return session


def words_of(invocation: Invocation) -> list[str]:
    """Return a parsed command line as words again, with the long form of each flag."""
    words = [invocation.command]
    for flag in BY_NAME[invocation.command].flags:
        value = invocation.values.get(flag_key(flag))
        if value is True:
            words.append(flag.names[-1])
        elif isinstance(value, tuple):
            words += [part for one in value for part in (flag.names[-1], one)]
        elif value is not None:
            words += [flag.names[-1], str(value)]
    return [*words, "--", *invocation.args]


def _translated(error: Exception, name: str) -> UsageError:
    text = str(getattr(error, "message", "") or error).rstrip(".")
    what = f"{text[:1].lower()}{text[1:]}" if text else "an argument is missing"
    return UsageError("usage/argument", what.replace("'", "`"), help=[f"`devboot help {name}` shows how to write it"])
