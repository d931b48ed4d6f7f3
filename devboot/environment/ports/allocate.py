"""Chooses port numbers: the usual one if it is free, else one derived from the project; recorded, so known early.

`<project's state>/ports.toml` has lines `name = number` of this project. `<state>/ports/<project key>` is the same for
each project of this user, with the project's root in the first line.
"""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import chain
from zlib import crc32

from devboot.environment.ports.holder_advice import holder_of, reason, using_variable
from devboot.environment.ports.holders import listener_on, project_of
from devboot.environment.ports.loopback import is_free
from devboot.environment.ports.wish import PortWish
from devboot.errors import BusyError, DevbootError, Problems
from devboot.files import atomic_write, make_directories, plain
from devboot.locks import TABLE, FileLock
from devboot.paths import project_key
from devboot.record import Record

RECORD = "ports.toml"
# Below the ports of outgoing connections on Linux (32768) and macOS (49152), above the usual ones of servers
_LOWEST, _HIGHEST = 20000, 30000
# A program that is just ending keeps its port for a moment
_LOOKS, _PAUSE = 20, 0.1  # times and seconds


class Ports(Record):
    """The chosen port number for each name, and a note (name, text) for each name that got another port than wished."""

    numbers: Mapping[str, int]
    notes: tuple[tuple[str, str], ...] = ()


class Taken(Record):
    """Port numbers that can't be used: `others` are recorded by other projects, as {number: root}.

    `in_use` are those on which programs listen. `strangers` are held by a program of neither this project nor the one
    that recorded them, `idle` are recorded by projects that are down. `name_holder` describes the program that listens
    on a port.
    """

    others: Mapping[int, str]
    in_use: Collection[int]
    strangers: Collection[int] = ()
    idle: Collection[int] = ()
    name_holder: Callable[[int], str] = lambda number: holder_of(number).text


def allocate(
    state: str,
    root: str,
    user_state: str,
    wanted: Sequence[PortWish],
    *,
    must_be_free: bool,
    held: Collection[int] | None = None,
    ours: Collection[int] = (),
    lost: Collection[str] = (),
    is_up: Callable[[str], bool] = lambda _root: True,
    sleep: Callable[[float], object] = time.sleep,
    is_recorded: bool = True,
) -> Ports:
    """Choose and record (if `is_recorded`) the numbers for the project at `root`, whose state folder is `state`.

    With `must_be_free` (nothing of the project runs, and it is about to start) a recorded number that is in use is
    replaced, and an exact one raises BusyError `port/in-use`, Problems if there are several. Without it, recorded
    numbers are kept, since the project itself may hold them. `ours` are numbers that count as free. `held` are ports
    of a running project that is about to start more processes: other exact numbers must be free then. `lost` are
    services and processes of a running project whose numbers other programs have taken: they are treated as with
    `must_be_free`. `is_up` returns whether the project at a root runs.
    """
    starting = [wish for wish in wanted if must_be_free or held is not None or is_port_of(wish.name, lost)]
    exact = {wish.port for wish in starting if wish.exact} - {*ours, *(held or ())}
    still_taken(exact, root, sleep)  # before the lock, for which other projects wait
    with _registry_lock(user_state) if is_recorded else nullcontext():
        others = recorded_by_others(user_state, root)
        recorded = read_ports(state)
        if not recorded and not must_be_free:  # its state was deleted, and running processes continue where it is
            recorded = {name: number for name, number in _kept(user_state, root).items() if number not in others}
        numbers = {*recorded.values(), *(wish.port for wish in wanted)} - {*ours, *(held or ())}
        if not must_be_free:
            kept = {number for name, number in recorded.items() if not is_port_of(name, lost)}
            numbers -= kept - ({wish.port for wish in wanted if wish.exact} if held is not None else set())
        # A process that is no longer wanted gives its port to the next one.
        left = {number for name, number in recorded.items() if name not in {wish.name for wish in wanted}}
        own = set(ours) if must_be_free else {*ours, *left}
        in_use = _taken(numbers, root)
        strangers = {number for number in in_use if number in others and _is_strangers(number, others[number])}
        usual = {wish.port for wish in wanted if wish.shared} & others.keys()
        taken = Taken(others, in_use, strangers, {number for number in usual if not is_up(others[number])})
        if must_be_free:
            refuse_taken(wanted, taken)
        else:
            refuse_taken(starting, taken, kept="running processes continue")
        ports = choose(
            wanted,
            recorded,
            taken,
            seed=root,
            is_free=lambda number: number in own or is_free(number),
            has_begun=not must_be_free,
        )
        if is_recorded:
            _record(state, root, user_state, ports.numbers)
    return ports


def choose(
    wanted: Sequence[PortWish],
    recorded: Mapping[str, int],
    taken: Taken,
    *,
    seed: str,
    is_free: Callable[[int], bool],
    has_begun: bool = False,
) -> Ports:
    """Choose a number for each wish: an exact one, else the recorded one, the usual one, or a free one.

    Raises BusyError.

    `has_begun`: the project runs, so that a number which can't be kept was lost since its start.
    """
    numbers = {wish.name: wish.port for wish in wanted if wish.exact}
    used = {*numbers.values(), *taken.in_use}
    notes = []
    for wish in wanted:
        if wish.exact:
            continue
        had = recorded.get(wish.name)
        if had is not None and had not in used:
            numbers[wish.name] = had
            used.add(had)
            continue
        is_idle = wish.shared and wish.port in taken.idle
        for number in chain((wish.port,), _stable(f"{seed}\0{wish.name}")):
            is_kept = number in taken.others and not (is_idle and number == wish.port)
            if number not in used and not is_kept and is_free(number):
                break
        else:
            raise _none_left(wish, len(wanted))
        numbers[wish.name] = number
        used.add(number)
        if had is not None:
            why = f"held by {taken.name_holder(had)}" if had in taken.in_use else "which is taken"
            back = f"; `devboot up --port {wish.name}={had}` moves it back once it is free"
            if has_begun:
                why = "which was taken in the meantime"
                back = f": held by {taken.name_holder(had)}" if had in taken.in_use else ""
            notes.append((wish.name, f"moves from port {had}, {why}, to {numbers[wish.name]}{back}"))
        elif numbers[wish.name] != wish.port:
            reason = _reason_against(wish, taken)
            notes.append((wish.name, f"gets port {numbers[wish.name]} instead of {wish.port}: {reason}"))
    return Ports({wish.name: numbers[wish.name] for wish in wanted}, tuple(notes))


def _none_left(wish: PortWish, count: int) -> BusyError:
    return BusyError(
        "port/none-free",
        f"no port is left for `{wish.name}`",
        causes=(f"{count} are needed, and devboot chooses from {_LOWEST} to {_HIGHEST - 1}",),
        help=("start fewer processes: `devboot up NAME`", "or stop other projects: `devboot down --all`"),
        kept=("nothing was started",),
    )


def _reason_against(wish: PortWish, taken: Taken) -> str:
    """Return why a wished port can't be used: held by a program, or recorded by another project."""
    if wish.port not in taken.others or wish.port in taken.strangers:
        return f"held by {taken.name_holder(wish.port)}" if wish.port in taken.in_use else "it is taken"
    if wish.port in taken.in_use:
        return f"project {taken.others[wish.port]} uses it"
    return f"project {taken.others[wish.port]} keeps it; `devboot up --port {wish.name}={wish.port}` takes it"


def is_port_of(name: str, names: Collection[str]) -> bool:
    """Return whether a recorded port, as `web` or `mail.page`, belongs to one of the services or processes `names`."""
    return name in names or name.rpartition(".")[0] in names


def refuse_in_use(wanted: Iterable[PortWish], root: str, held: Collection[int] = ()) -> None:
    """Raise `port/in-use` for exact ports that other programs use, as `allocate` does, without recording anything.

    `held` are ports of the project itself.
    """
    exact = [wish for wish in wanted if wish.exact and wish.port not in held]
    in_use = _taken((wish.port for wish in exact), root)
    refuse_taken(exact, Taken({}, in_use), kept="running processes continue" if held else "nothing was started")


def refuse_taken(wanted: Iterable[PortWish], taken: Taken, kept: str = "nothing was started") -> None:
    """Raise `port/in-use` for wishes with an exact port that is in use; `kept` says what isn't affected."""
    errors: list[DevbootError] = [
        in_use(
            wish.name,
            wish.port,
            kept=kept,
            movable=wish.movable,
            elsewhere=using_variable(wish.port, wish.origin, f" --port {wish.name}=auto") if wish.origin else "",
        )
        for wish in wanted
        if wish.exact and wish.port in taken.in_use
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else Problems(errors)


def in_use(
    name: str,
    port: int,
    *,
    kept: str = "nothing was started",
    movable: bool = True,
    root: str = "",
    elsewhere: str = "",
) -> BusyError:
    """Return the error for an exact port of process or service `name` that is in use.

    It offers another port if the port is `movable`; `elsewhere` is the advice if the project's own command has the
    number.
    """
    holder = holder_of(port, root)
    helps = [*holder.helps, *([elsewhere] if elsewhere else [f"devboot up --port {name}=auto"] * movable)]
    fixed = ["no variable holds it, so code that names this port would not find another one"]
    return BusyError(
        "port/in-use",
        f"{name} can't listen on 127.0.0.1:{port}",
        causes=[reason(port, holder), *([] if movable or elsewhere else fixed)],
        help=helps,
        kept=[kept],
    )


def still_taken(numbers: Iterable[int], root: str, sleep: Callable[[float], object] = time.sleep) -> set[int]:
    """Return those of `numbers` on which programs outside of the project at `root` still listen after two seconds."""
    taken = _taken(numbers, root)
    for _ in range(_LOOKS):
        if not taken:
            break
        sleep(_PAUSE)
        taken = _taken(taken, root)
    return taken


def _taken(numbers: Iterable[int], root: str) -> set[int]:
    return {number for number in numbers if not is_free(number) and not _is_own(number, root)}


def refuse_fixed(
    fixed: Iterable[tuple[str, int, str]], root: str, sleep: Callable[[float], object] = time.sleep
) -> None:
    """Raise `port/in-use` for ports written in commands on which other programs listen.

    `fixed` has (process, port, place of the command).
    """
    known = tuple(fixed)
    taken = still_taken((port for _, port, _ in known), root, sleep)
    errors: list[DevbootError] = [
        in_use(name, port, root=root, elsewhere=using_variable(port, origin))
        for name, port, origin in known
        if port in taken
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else Problems(errors)


def read_ports(state: str) -> dict[str, int]:
    """Return the project's recorded ports, such as `{"web": 5000}`; {} if the file is missing or damaged."""
    try:
        with open(os.path.join(state, RECORD), "rb", opener=plain) as stream:
            found = tomllib.load(stream)
    except (OSError, ValueError):
        return {}
    return {name: number for name, number in found.items() if isinstance(number, int)}


def recorded_by_others(user_state: str, root: str) -> dict[int, str]:
    """Return the ports recorded by this user's other projects, as {number: root}; deleted projects don't count."""
    folder = os.path.join(user_state, "ports")
    found = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name == project_key(root) or name.startswith("."):
            continue
        project, numbers = _read_record(os.path.join(folder, name))
        if os.path.isdir(project):
            found.update(dict.fromkeys(numbers, project))
    return found


def _read_record(path: str) -> tuple[str, list[int]]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            project, *numbers = stream.read().splitlines()
    except (OSError, ValueError):
        return "", []
    return project, [int(number) for number in numbers if number.isdigit()]


def _kept(user_state: str, root: str) -> dict[str, int]:
    """Return this project's ports in the record of all projects, as {name: number}."""
    path = os.path.join(user_state, "ports", project_key(root))
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", opener=plain) as stream:
            project, _, lines = stream.read().partition("\n")
        found = tomllib.loads("\n".join(line for line in lines.split("\n") if not line.isdigit()))
    except (OSError, ValueError):
        return {}
    return {name: number for name, number in found.items() if project == root and isinstance(number, int)}


def _record(state: str, root: str, user_state: str, numbers: Mapping[str, int]) -> None:
    lines = [f"{_key(name)} = {numbers[name]}\n" for name in sorted(numbers)]
    _write_if_changed(os.path.join(state, RECORD), "".join(["# Written by devboot.\n", *lines]))
    if os.access(user_state, os.W_OK):  # without it other projects don't know these numbers, nothing worse
        text = "\n".join([root, *(str(number) for number in sorted(numbers.values()))]) + "\n"
        _write_if_changed(os.path.join(user_state, "ports", project_key(root)), text + "".join(lines))


def _write_if_changed(path: str, text: str) -> None:
    content = text.encode("utf-8", "surrogateescape")
    try:
        with open(path, "rb", opener=plain) as stream:
            if stream.read() == content:
                return
    except OSError:
        pass
    make_directories(os.path.dirname(path))
    atomic_write(path, content, mode=0o600, sync=False)


@contextmanager
def _registry_lock(user_state: str) -> Iterator[None]:
    """Lock the record of all projects' ports while the block runs, so that no two projects choose the same port."""
    with suppress(OSError):
        make_directories(os.path.join(user_state, "ports"))
    if not os.access(user_state, os.W_OK):
        yield
        return
    with FileLock(os.path.join(user_state, "ports", ".lock"), "ports", TABLE):
        yield


def _is_own(port: int, root: str) -> bool:
    holder = listener_on(port)
    return holder is not None and project_of(holder.pid) == root


def _is_strangers(port: int, root: str) -> bool:
    holder = listener_on(port)
    return holder is not None and project_of(holder.pid) != root


def _stable(seed: str) -> Iterator[int]:
    """Yield every number of the port range once, from a place on that depends only on `seed`."""
    span = _HIGHEST - _LOWEST
    start = crc32(seed.encode("utf-8", "surrogateescape")) % span
    return (_LOWEST + (start + step) % span for step in range(span))


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else f'"{name}"'
