"""Shell completion: scripts generated from the table of commands; names of processes and tasks from the snapshot."""

from __future__ import annotations

import os
from collections.abc import Mapping

from devboot import snapshot
from devboot.app.command_table import COMMANDS, GLOBAL, RECIPE_ACTIONS, STATE_ACTIONS, STORE_ACTIONS, Command, Flag
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.model.nearest import nearest
from devboot.state.project import find_project

SHELLS = ("bash", "zsh", "fish")
NAMES = "names"  # `completions names KIND` is what the scripts ask
_FORMATS = ("systemd", "supervisord", "runit", "upstart")  # honcho's; listing others would mean searching all packages
_MARK = "# Completion of devboot"
_TOPICS = ("exit-codes", "environment", "schema")


def completions(shell: str, kind: str, session: Session) -> int:
    """Print the completion script for a shell, or with `kind` the names that it offers; return the exit code.

    Raises UsageError for an unknown shell.
    """
    if shell == NAMES:
        session.out("".join(f"{name}\n" for name in names(kind, session.context.cwd, session.context.environ)))
    elif shell in _SCRIPTS:
        marked = f"{_MARK} {session.context.version} "  # by which doctor recognises an outdated one
        session.out(_SCRIPTS[shell]().replace(f"{_MARK} ", marked, 1))
    else:
        near = nearest(shell, SHELLS)
        advice = [f"did you mean `devboot completions {near}`?"] if near else []
        raise UsageError(
            "usage/unknown-shell",
            f"there is no completion for `{shell}`",
            help=[*advice, f"there is one for {', '.join(SHELLS)}"],
        )
    return Exit.OK


def names(kind: str, cwd: str, environ: Mapping[str, str]) -> list[str]:
    """Return the names to offer for an argument of this kind (process, task, …), read from files.

    Empty on any error.
    """
    if kind in {"process", "task"}:
        known = snapshot.read(os.path.join(find_project(cwd, environ).state, snapshot.NAME))
        if known is None:
            return []
        if kind == "task":
            return sorted(str(task[0]) for task in known.tasks)
        from devboot.model.process import plan_from_plain

        return [spec.name for spec in plan_from_plain(known.plan_plain).processes]
    if kind == "slug":
        from devboot.app.commands.explain import known_slugs

        return list(known_slugs())
    if kind == "check":
        from devboot.doctor.checks import CHECKS

        return sorted({name for check in CHECKS for name in (check.area, check.name)})
    return {
        "shell": list(SHELLS),
        "format": list(_FORMATS),
        "action": list(STORE_ACTIONS),
        "lock-action": ["diff"],
        "recipe-action": list(RECIPE_ACTIONS),
        "state-action": list(STATE_ACTIONS),
        "topic": [*_TOPICS, *(command.name for command in COMMANDS)],
    }.get(kind, [])


def bash() -> str:
    """Return a completion function for bash, to be sourced."""
    cases = "\n".join(
        f'    {command.name}) words="{_spellings(command.flags)}"; kind="{_kind(command)}" ;;' for command in COMMANDS
    )
    return f"""\
# Completion of devboot for bash: source this, or put it into bash-completion's folder.
_devboot() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command="" words="" kind="" word
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in -*) ;; *) command=$word; break ;; esac
  done
  case $command in
    "") words="{" ".join(command.name for command in COMMANDS)}" ;;
{cases}
  esac
  if [[ $current == -* ]]; then
    words="$words {_spellings(GLOBAL)}"
  elif [[ -n $kind ]]; then
    words=$(devboot completions {NAMES} "$kind" 2>/dev/null)
  elif [[ -n $command ]]; then
    words=""
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _devboot devboot
"""


def zsh() -> str:
    """Return a completion function for zsh, for a folder of fpath or to be sourced."""
    listed = "\n".join(f"    {_quoted(f'{command.name}:{command.help}')}" for command in COMMANDS)
    cases = "\n".join(
        f"    {command.name}) flags=({_flag_words(command.flags)}); kind={_kind(command) or '-'} ;;"
        for command in COMMANDS
    )
    return f"""\
#compdef devboot
# Completion of devboot for zsh: put it into a folder of fpath as _devboot, or source it.
_devboot() {{
  local -a commands flags found
  local command="" kind="-" word
  commands=(
{listed}
  )
  for word in "${{words[@]:1:$((CURRENT - 2))}}"; do
    case $word in -*) ;; *) command=$word; break ;; esac
  done
  case $command in
    "") _describe command commands; return ;;
{cases}
  esac
  if [[ $PREFIX == -* ]]; then
    flags+=({_flag_words(GLOBAL)})
    _describe flag flags
  elif [[ $kind != - ]]; then
    found=(${{(f)"$(devboot completions {NAMES} $kind 2>/dev/null)"}})
    compadd -a found
  else
    _files
  fi
}}
if [[ $funcstack[1] == _devboot ]]; then _devboot "$@"; else compdef _devboot devboot; fi
"""


def fish() -> str:
    """Return the completion script for fish's completions folder."""
    lines = ["# Completion of devboot for fish: put it into ~/.config/fish/completions/devboot.fish"]
    lines += [_fish_line(flag, "") for flag in GLOBAL]
    for command in COMMANDS:
        lines.append(f"complete -c devboot -n __fish_use_subcommand -f -a {command.name} -d {_quoted(command.help)}")
        seen = f"-n '__fish_seen_subcommand_from {command.name}' "
        lines += [_fish_line(flag, seen) for flag in command.flags]
        if kind := _kind(command):
            lines.append(f"complete -c devboot {seen}-f -a '(devboot completions {NAMES} {kind} 2>/dev/null)'")
    return "\n".join(lines) + "\n"


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}


def _kind(command: Command) -> str:
    return next((argument.kind for argument in command.arguments), "")


def _spellings(flags: tuple[Flag, ...]) -> str:
    return " ".join(spelling for flag in flags for spelling in flag.names)


def _flag_words(flags: tuple[Flag, ...]) -> str:
    return " ".join(_quoted(f"{spelling}:{flag.help}") for flag in flags for spelling in flag.names)


def _fish_line(flag: Flag, condition: str) -> str:
    spelled = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names]
    required = " -r" if flag.metavar else ""
    return f"complete -c devboot {condition}{' '.join(spelled)}{required} -d {_quoted(flag.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
