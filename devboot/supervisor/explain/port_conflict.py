"""Detects, by output and kernel tables, that a process can't listen because another program has its port."""

from __future__ import annotations

import re

from devboot.environment.ports.holder_advice import Holder, holder_of, reason, using_variable
from devboot.model.observation import BIND, read_observations
from devboot.record import Record
from devboot.supervisor.explain.import_errors import broken_code, last_raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from devboot.model.process import ProcessSpec

# Messages of systems, languages and servers when a port is taken
_IN_USE = re.compile(
    r"address (?:is )?already in use|EADDRINUSE|\bErrno (?:98|48)\b|os error (?:98|48)\b|\bport\b.{0,20}\bin use|"
    r"connection in use|already (?:running|listening) on port|\bport \d+ is (?:not available|taken|occupied)|"
    r"\bport is already allocated",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.-])(?<!Errno )(?<!errno: -)(?<!error )(\d{2,5})(?![\w.-]*\d)")
_NEAR = 3  # lines before and after the message that are searched for the port
# An exception after one of these lines is a consequence of the one before
_FOLLOWS = (
    "During handling of the above exception",
    "The above exception was the direct cause",
    "Exception ignored",
)
_ERROR_OF_NODE = re.compile(r"(?:Uncaught )?(?:Type|Reference|Syntax|Range)Error\b.*: ")


class Conflict(Record):
    """A port that a process needs but another program has: the `holder`, and the error's sentence, cause and advice."""

    port: int
    holder: Holder
    what: str
    cause: str
    helps: tuple[str, ...]


def port_conflict(spec: ProcessSpec, tail: Sequence[str], is_listening: Callable[[int], bool]) -> Conflict | None:
    """Return the port conflict reported in a process' last output; None if no other program has a port named there.

    `is_listening(port)` returns whether any program listens there. If the process continued without the port and then
    ended with a different error, there is a conflict only if its command names the port.
    """
    said = [at for at, line in enumerate(tail) if _IN_USE.search(line)]
    if not said:
        return None
    port = next((port for port in _candidates(spec, tail, said[-1]) if is_listening(port)), 0)
    if not port or (port not in (*_numbers(spec.command), spec.port) and _ends_otherwise(tail[said[-1] + 1 :])):
        return None
    root = spec.env_files[0] if spec.env_files else spec.cwd
    holder = holder_of(port, root)
    is_named = re.search(rf"(?<!\d){port}(?!\d)", spec.command) is not None
    other = using_variable(port, spec.origin) if is_named and spec.origin else _changing(spec, port)
    freeing = () if holder.root == root else (f"{holder.helps[0]} && devboot up -d" if holder.pid else holder.helps[0],)
    what = f"{spec.name} can't listen on 127.0.0.1:{port}"
    return Conflict(port, holder, what, reason(port, holder), (*freeing, other))


def _candidates(spec: ProcessSpec, tail: Sequence[str], at: int) -> Iterator[int]:
    """Yield the ports that an "address in use" line may mean: from line `at`, the lines around it, and the command."""
    yield from _numbers(tail[at])
    for line in (*tail[max(0, at - _NEAR) : at][::-1], *tail[at + 1 : at + 1 + _NEAR]):
        yield from _numbers(line)
    seen = read_observations(spec.observed[1]) if len(spec.observed) > 1 else ()
    yield from (each.port for each in reversed(seen) if each.kind == BIND)
    yield from _numbers(spec.command)
    yield spec.port


def _ends_otherwise(later: Sequence[str]) -> bool:
    """Return whether the lines after a port conflict report a different exception."""
    if any(line.startswith(_FOLLOWS) for line in later):
        return False
    return bool(last_raised(later) or broken_code(later) or any(map(_ERROR_OF_NODE.match, later)))


def _numbers(line: str) -> list[int]:
    return [number for each in _NUMBER.findall(line) if 0 < (number := int(each)) < 1 << 16]


def _changing(spec: ProcessSpec, port: int) -> str:
    """Return advice on how to change a port that isn't in the process' command, with the code line that opens it."""
    seen = read_observations(spec.observed[1]) if len(spec.observed) > 1 else ()
    place = next((each.where for each in seen if each.kind == BIND and each.port == port), "")
    return f"change the port in its code or settings{place}, then `devboot up -d`"
