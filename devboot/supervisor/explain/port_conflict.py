"""Recognises that a process can't listen since another program has its port: by its output and the kernel's tables."""

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

# What systems, languages and servers write when a port is taken
_IN_USE = re.compile(
    r"address (?:is )?already in use|EADDRINUSE|\bErrno (?:98|48)\b|os error (?:98|48)\b|\bport\b.{0,20}\bin use|"
    r"connection in use|already (?:running|listening) on port|\bport \d+ is (?:not available|taken|occupied)|"
    r"\bport is already allocated",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.-])(?<!Errno )(?<!errno: -)(?<!error )(\d{2,5})(?![\w.-]*\d)")
_NEAR = 3  # lines around that which says it
# An exception behind one of these follows from that before it
_FOLLOWS = (
    "During handling of the above exception",
    "The above exception was the direct cause",
    "Exception ignored",
)
_ERROR_OF_NODE = re.compile(r"(?:Uncaught )?(?:Type|Reference|Syntax|Range)Error\b.*: ")


class Conflict(Record):
    """A port that a process wants, and who has it."""

    port: int
    holder: Holder
    what: str
    cause: str
    helps: tuple[str, ...]


def port_conflict(spec: ProcessSpec, tail: Sequence[str], is_listening: Callable[[int], bool]) -> Conflict | None:
    """Return which port a process can't have by its last output; None where another program has none of those named.

    `is_listening` says of a port whether anybody listens on it. A program that goes on without a port, and then ends by
    something else, has none either, unless its command names that port.
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
    """Ports that may be meant, the likeliest first: of the line that says it, of what it bound to, of its command."""
    yield from _numbers(tail[at])
    for line in (*tail[max(0, at - _NEAR) : at][::-1], *tail[at + 1 : at + 1 + _NEAR]):
        yield from _numbers(line)
    seen = read_observations(spec.observed[1]) if len(spec.observed) > 1 else ()
    yield from (each.port for each in reversed(seen) if each.kind == BIND)
    yield from _numbers(spec.command)
    yield spec.port


def _ends_otherwise(later: Sequence[str]) -> bool:
    """Whether lines behind one that says that a port is taken are of another exception."""
    if any(line.startswith(_FOLLOWS) for line in later):
        return False
    return bool(last_raised(later) or broken_code(later) or any(map(_ERROR_OF_NODE.match, later)))


def _numbers(line: str) -> list[int]:
    return [number for each in _NUMBER.findall(line) if 0 < (number := int(each)) < 1 << 16]


def _changing(spec: ProcessSpec, port: int) -> str:
    """How a port is changed that the command doesn't name."""
    seen = read_observations(spec.observed[1]) if len(spec.observed) > 1 else ()
    place = next((each.where for each in seen if each.kind == BIND and each.port == port), "")
    return f"let its code or settings name another port{place}, then `devboot up -d`"
