"""Explains failures by what the program was observed to access: variables, files, servers, ports."""

from __future__ import annotations

import os
import re
from itertools import pairwise

from devboot.files import list_names
from devboot.model.observation import (
    ASKED,
    BIND,
    CONNECT,
    DEFAULT,
    FILE,
    LOOKUP,
    NO_FILE,
    NONE,
    REQUIRED,
    TESTED,
    UNSET,
    Observation,
    is_here,
    observed_folder,
    read_observations,
)
from devboot.model.printable import listed
from devboot.record import Record
from devboot.supervisor.explain.append_command import append_command
from devboot.supervisor.explain.file_templates import WORDS, copying_command
from devboot.supervisor.explain.missing_variables import unset_variables
from devboot.supervisor.system import listening_sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devboot.model.process import ProcessSpec

_FRAME = re.compile(r'^\s*File "([^"<]+)", line (\d+)')
_RAISED = re.compile(
    r"^(?:\w+\.)*\w*(?:Error|Exception|Configured|Timeout|Invalid\w*|Missing\w*|Refused|Available)(?:: (.*))?$"
)
_OF_NONE = re.compile(
    r"NoneType|\bNone\b|must be str|[Ee]xpected str|must be a string|non-empty|cannot be empty|must not be empty|: ''$"
)
_REFUSED = re.compile(r"[Cc]onnection refused|ConnectionRefused|ECONNREFUSED|Errno 111|Connect call failed|NoBrokers")
_NO_NAME = re.compile(
    r"Name or service not known|Temporary failure in name resolution|nodename nor servname|getaddrinfo failed|"
    r"No address associated|EAI_AGAIN|ENOTFOUND|server host '[\w.-]+'|DNS query name does not exist"
)
_NO_ROUTE = re.compile(r"Network is unreachable|ENETUNREACH|No route to host|EHOSTUNREACH")
# Names of hosts of other machines in such messages
_OTHER_HOST = re.compile(
    r"(?:[Hh]ost(?: name)?[ =][\"']?|(?:EAI_AGAIN|ENOTFOUND) |(?:on|resolve) '|exist: _mongodb\._tcp\.)"
    r"([A-Za-z][\w-]*(?:\.[\w-]+)+)|(?<![\w.-])([A-Za-z][\w-]*(?:\.[\w-]+)+):\d+: \[Errno"
)
_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed|Unable to connect to proxy|ERR_PROXY_CONNECTION_FAILED")
_IN_USE = re.compile(r"address already in use|EADDRINUSE|Errno 98\b|Errno 48\b", re.IGNORECASE)
# Errors of the network and the machine, which no missing value causes and which may pass
_OUTSIDE = re.compile(
    r"Connection\w*Error|[Cc]onnection (?:aborted|closed|failed|lost|reset|to server)|[Cc]onnecting to|Timeout|"
    r"[Cc](?:annot|an't|ould not) connect|[Tt]imed? ?out|[Uu]nreachable|Broken pipe|\bSSL|HTTPError|Unavailable|"
    r"No space left|Permission denied|No such file"
)
# Errors that recur in every run as long as a value is missing
_MISTAKE = re.compile(
    r"^(?:\w+\.)*(?:KeyError|ValueError|TypeError|AttributeError|AssertionError|IndexError|\w*Configured|\w*Invalid\w*|"
    r"\w*Missing\w*|\w*ValidationError|Undefined\w*)(?::|$)"
)
_NO_FILE = re.compile(r"No such file or directory: '([^']+)'")
# Messages of drivers written in C, whose connections can't be observed
_ADDRESSES = (
    re.compile(r"connection to server at \"([\w.-]+)\".*?, port (\d+) failed"),
    re.compile(r"[Cc]onnect to (?:MySQL|MongoDB|Redis) server on '([\w.-]+):(\d+)'"),
    re.compile(r"(?<![\w.-])(localhost|127\.0\.0\.1|\[::1\]):(\d{2,5})\b"),
    re.compile(r"\('(127\.0\.0\.1|::1|localhost)', (\d{2,5})"),
)
SERVICES = {
    1025: "mail",
    1883: "mqtt",
    3306: "mariadb",
    4222: "nats",
    5432: "postgres",
    5672: "rabbitmq",
    6379: "redis",
    7700: "meilisearch",
    11211: "memcached",
    11300: "beanstalkd",
    27017: "mongodb",
}
ALIKE = {"valkey": "redis", "mysql": "mariadb", "mosquitto": "mqtt"}  # recipes → whose clients connect to them, too
_EMPTY = re.compile(r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:""|'')?[ \t]*$""", re.MULTILINE)
_PLACEHOLDERS = re.compile(r"^(?:your|my|some|x+$|value$|secret$|key$|token$|change)|here$", re.IGNORECASE)
_OF_SESSION = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY")  # set by a graphical session, not by an env-file
_LARGEST = 1_000_000  # most bytes read of a source file
_LONGEST_CALL = 20  # most lines of a call
_MOST = 3  # most variables named in a sentence
_TRACEBACK = "Traceback (most recent call last):"
_LOCAL = (".internal", ".local", ".localhost")  # domains of containers and local networks
_CHAINED = "above exception"  # part of the line between the tracebacks of a chain


SHOWN = 6  # most variables or files named in a summary


class Explanation(Record):
    """Explanation of a failure: `sentence`, to follow the process' name, and `helps`, advice with the command first.

    `lasts`: another run would fail in the same way. `slug` is a more precise error slug, "" for none.
    """

    sentence: str
    helps: tuple[str, ...]
    lasts: bool = False
    slug: str = ""


def explain(spec: ProcessSpec, tail: Sequence[str]) -> Explanation | None:
    """Return why a program failed, from its last output and its recorded accesses; None if these don't explain it."""
    seen = read_observations(spec.observed[1]) if len(spec.observed) > 1 else ()
    seen = tuple(each for each in seen if each.name not in _OF_SESSION)
    root = spec.env_files[0] if spec.env_files else spec.cwd
    output = _Output(tail, root)
    return (
        _explain_named(spec, seen, output)
        or _explain_taken_port(seen, output)
        or _explain_connection(spec, seen, output)
        or _explain_missing_file(spec, seen, output)
        or _explain_suspect(spec, seen, output)
    )


def env_file_of(spec: ProcessSpec, seen: Iterable[Observation]) -> str:
    """Return the env file, relative to the root, in which to set a missing variable: one that the program loads."""
    own = [each.name for each in seen if each.kind == FILE and not each.name.startswith("/")]
    own = [name for name in own if not {*WORDS} & {*re.split(r"[._-]", os.path.basename(name))}]
    if own:
        return own[-1]
    read = spec.env_files[1:] or (".env",)
    there = [name for name in read if os.path.isfile(os.path.join(spec.env_files[0], name))] if spec.env_files else []
    return (there or read)[-1]


class _Output:
    """A program's last output, parsed: its lines, the last exception, and the project's lines in the traceback.

    `chain` is the last exception followed by those that caused it; `rest` are the lines after it. Without an exception,
    `rest` has all lines.
    """

    def __init__(self, tail: Sequence[str], root: str) -> None:
        self.lines = tuple(tail)
        self.root = root
        ends = [at for at, line in enumerate(self.lines) if _RAISED.match(line)]
        self.raised = self.lines[ends[-1]] if ends else ""
        self.chain = tuple(self._chain(ends[-1])) if ends else ()
        self.rest = self.lines[ends[-1] + 1 :] if ends else self.lines
        self.places = tuple(self._places())

    @property
    def place(self) -> str:
        """The innermost line of the project in the traceback, as `file:line`."""
        return self.places[-1] if self.places else ""

    def said(self, *patterns: re.Pattern[str]) -> str:
        """Return the lines of the last exception, and those after it, that match any pattern, joined by newlines."""
        lines = (*self.chain, *self.rest)
        return "\n".join(line for line in lines if any(each.search(line) for each in patterns))

    def _chain(self, last: int) -> Iterable[str]:
        for at in reversed(range(last + 1)):
            if _RAISED.match(self.lines[at]):
                yield self.lines[at]
            is_start = self.lines[at].endswith(_TRACEBACK)
            if is_start and not any(_CHAINED in line for line in self.lines[max(0, at - 2) : at]):
                return

    def _places(self) -> Iterable[str]:
        for line in self.lines:
            if found := _FRAME.match(line):
                path = os.path.relpath(os.path.join(self.root, found[1]), self.root)
                if not path.startswith("..") and "site-packages" not in path:
                    yield f"{path}:{found[2]}"


def _explain_named(spec: ProcessSpec, seen: Sequence[Observation], output: _Output) -> Explanation | None:
    """Explain a failure whose message contains the name of a missing variable, unless a connection failed."""
    asked = [each for each in seen if each.kind == UNSET]
    if _fails_to_connect(output.raised):
        return None
    if named := [name for name in unset_variables(output.lines) if name not in _OF_SESSION]:
        found = [next((each for each in asked if each.name == name), Observation(UNSET, name)) for name in named]
        if len(found) == 1 and not found[0].place:
            found = [found[0]._replace(place=output.place)]
    else:
        found = [each for each in asked if re.search(rf"\b{re.escape(each.name)}\b", output.raised)][-1:]
    return _explain_unset(spec, seen, output, found, lasts=not _is_outside(output.raised)) if found else None


def _explain_suspect(spec: ProcessSpec, seen: Sequence[Observation], output: _Output) -> Explanation | None:
    """Explain a failure by an unset or empty variable that probably caused it.

    That is a variable read at or near the failing line, or one empty in an env file and named in that line. For an
    error about None it may also be one read in the same file, or the only unset one.
    """
    asked = [each for each in seen if each.kind == UNSET]
    found = _read_by_call(asked, output) or _suspects(asked, output)[-1:] or _empty_ones(spec, output)
    lasts = bool(_OF_NONE.search(output.raised) or _MISTAKE.match(output.raised))
    return _explain_unset(spec, seen, output, found, lasts=lasts) if found else None


def _explain_unset(
    spec: ProcessSpec, seen: Sequence[Observation], output: _Output, found: Sequence[Observation], *, lasts: bool
) -> Explanation:
    shown = [f"{each.name}{each.where}" for each in found[:_MOST]]
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    verb = "has" if len(found) == 1 else "have"
    sentence = f"read {listed([*shown, *more])}, which {verb} no value"
    file = env_file_of(spec, seen)
    command = append_command(output.root, file, [f"{each.name}={_value_of(each.name, output.lines)}" for each in found])
    helps = (command, "`devboot up -d` starts it with the value") if command else (f"set {found[0].name} in {file}",)
    return Explanation(sentence, helps, lasts)


def _value_of(name: str, lines: Sequence[str]) -> str:
    """Return a value to suggest for a variable: `false` for a boolean, one that the error message names, else `…`."""
    named = next(
        (found for line in reversed(lines) if (found := re.search(rf"\b{re.escape(name)}=(\w[\w.:/-]*\w|\w)", line))),
        None,
    )
    if named is not None and not _PLACEHOLDERS.search(named[1]):
        return named[1].rstrip(".")
    said = (after for line, after in pairwise(lines) if line == name)
    return "false" if any("[type=bool" in after for after in said) else "…"


def _fails_to_connect(raised: str) -> bool:
    return any(each.search(raised) for each in (_REFUSED, _NO_NAME, _IN_USE))


def _is_outside(raised: str) -> bool:
    """Return whether an exception has a cause other than variables, such as a failed connection."""
    if _fails_to_connect(raised):
        return True
    return bool(_OUTSIDE.search(raised)) and not (_OF_NONE.search(raised) or _MISTAKE.match(raised))


def _read_by_call(asked: Sequence[Observation], output: _Output) -> list[Observation]:
    """Return the unset variables that are read inside of the failing call, if that call spans several lines."""
    file, _, number = output.place.rpartition(":")
    lines = _text_of(output.root, file).splitlines() if file and not _is_outside(output.raised) else []
    start = end = int(number) if number else 0
    depth = 0
    for line in lines[start - 1 : start - 1 + _LONGEST_CALL]:
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        if depth <= 0:
            break
        end += 1
    there = {f"{file}:{at}" for at in range(start + 1, end + 1)}
    return [each for each in asked if each.place in there and each.how in (NONE, ASKED, REQUIRED)]


def _suspects(asked: Sequence[Observation], output: _Output) -> list[Observation]:
    """Return the unset variables among `asked` that may have caused the last exception, the likeliest last."""
    if not output.raised or _is_outside(output.raised):
        return []
    empty = [each for each in asked if each.how in (NONE, ASKED, REQUIRED)]
    if there := [each for place in output.places for each in empty if each.place == place]:
        return there
    if not _OF_NONE.search(output.raised):
        return []
    files = [place.rpartition(":")[0] for place in output.places]
    near = [each for file in files for each in empty if each.place.rpartition(":")[0] == file]
    return near or (empty if len(empty) == 1 else [])


def _empty_ones(spec: ProcessSpec, output: _Output) -> list[Observation]:
    """Return variables that are empty in an env file and named, in upper or lower case, in the failing line.

    Programs that copy all of `os.environ` at once are never observed to read a single one.
    """
    if not output.place or not _MISTAKE.match(output.raised):
        return []
    line = _line_at(output.root, output.place)
    texts = [_text_of(output.root, name) for name in spec.env_files[1:]]
    empty = dict.fromkeys(name for text in texts for name in _EMPTY.findall(text))
    named = [name for name in empty if re.search(rf"\b{re.escape(name)}\b", line, re.IGNORECASE)]
    return [Observation(UNSET, name, ASKED, output.place) for name in named][:1]


def _text_of(root: str, file: str) -> str:
    from devboot.clone_reader import read_head

    try:
        return read_head(os.path.join(root, file), _LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _line_at(root: str, place: str) -> str:
    file, _, number = place.rpartition(":")
    return "".join(_text_of(root, file).splitlines()[int(number) - 1 : int(number)])


def _explain_taken_port(seen: Sequence[Observation], output: _Output) -> Explanation | None:
    wanted = [each for each in seen if each.kind == BIND]
    said = output.said(_IN_USE)
    if not wanted or not said:
        return None
    named = [each for each in wanted if re.search(rf"\b{each.port}\b", said)]
    last = (named or wanted)[-1]
    sentence = f"can't listen on {last.name}{last.where}, where another program listens"
    return Explanation(sentence, (f"stop the program that `ss -ltnp sport = :{last.port}` shows, or set another port",))


def _explain_way_out(output: _Output) -> Explanation | None:
    """Explain a failed connection to the internet: there is no network, or the proxy refuses."""
    where = f" ({output.place})" if output.place else ""
    if output.said(_NO_ROUTE):
        helps = ("`ip route` shows whether this machine has a way out: connect it, then `devboot up -d`",)
        return Explanation(
            f"needs another machine{where}, and this one has no network to it", helps, slug="network/unreachable"
        )
    if output.said(_REFUSED_BY_PROXY):
        helps = ("`env | grep -i _proxy` shows the proxy: check it, the network, and whether the host exists",)
        return Explanation(f"can't reach a host through the proxy{where}", helps, slug="network/proxy")
    return None


def _explain_connection(spec: ProcessSpec, seen: Sequence[Observation], output: _Output) -> Explanation | None:
    if (barred := _explain_way_out(output)) is not None:
        return barred
    is_refused = bool(output.said(_REFUSED))
    unknown = "" if is_refused else output.said(_NO_NAME)
    if not is_refused and not unknown:
        return None
    target = _target(seen, output)
    hosts = [each[1] or each[2] for each in _OTHER_HOST.finditer(unknown)]
    hosts += [target.host] if unknown and target is not None and "." in target.host else []
    if named := next((each for each in hosts if not each.endswith(_LOCAL)), ""):
        at = target.where if target is not None and target.host == named else ""
        helps = (f"`getent hosts {named}` shows when this machine has its address: check network and name",)
        return Explanation(
            f"can't reach {named}{at}: this machine knows no address for it", helps, slug="network/unknown-host"
        )
    if target is None or (unknown and is_here(target.host or target.name)):
        return None
    if not is_refused:
        return Explanation(_words_of(target._replace(kind=LOOKUP)), ())
    return Explanation(_words_of(target._replace(kind=CONNECT)), _server_helps(spec, target))


def _target(seen: Sequence[Observation], output: _Output) -> Observation | None:
    """Return the observed connection attempt that failed: to an address that the error names, else the last one.

    Ports on which the program itself listens are ignored, since servers print those, too.
    """
    own = {each.port for each in seen if each.kind == BIND}
    tried = [each for each in seen if each.kind in (CONNECT, LOOKUP) and each.place]
    tried = [each for each in tried if each.kind == LOOKUP or each.port not in own]
    text = "\n".join((*reversed(output.chain), output.said(_REFUSED, _NO_NAME)))
    for pattern in _ADDRESSES:
        if found := [(host, int(port)) for host, port in pattern.findall(text) if int(port) not in own]:
            host, port = found[-1]
            near = [each for each in tried if each.port == port]
            return near[-1] if near else Observation(CONNECT, f"{host}:{port}", "", output.place)
    named = [each for each in tried if each.host and re.search(rf"\b{re.escape(each.host)}\b", output.raised)]
    return next(reversed(named or tried), None)


def _server_helps(spec: ProcessSpec, target: Observation) -> tuple[str, ...]:
    command = server_command(target, (each.name for each in spec.depends_on)) if spec.observed else ""
    return (command, "`devboot up -d` starts the server") if command else ()


def server_command(target: Observation, services: Iterable[str]) -> str:
    """Return the command that adds the server usually found on the target's port, such as Redis on 6379; "" if unknown.

    `services` are the project's services so far. The added server accepts connections without a password, since code
    that names an address without a variable has no place for one.
    """
    service = SERVICES.get(target.port)
    if service is None or not is_here(target.host):
        return ""
    if service in services:
        return f"devboot down && devboot up -d --port {service}={target.port}"
    lines = f"'[services.{service}]' 'port = {target.port}' 'access = \"open\"'"
    return f"devboot init && printf '%s\\n' '' {lines} >> devboot.toml"


class Lack(Record):
    """A missing variable, file or server that the processes `names` tried to use.

    `sentence` says so, with the code line.
    """

    names: tuple[str, ...]
    seen: Observation
    sentence: str


def summaries(found: Iterable[Lack]) -> tuple[str, ...]:
    """Return lines to show: one for all missing variables, one for all missing files, one for each missing server."""
    known = tuple(found)
    lines = []
    for kind, title in ((UNSET, "variables without a value"), (NO_FILE, "missing files")):
        if seen := [each.seen for each in known if each.seen.kind == kind]:
            shown = [f"{each.name}{each.where}" for each in seen[:SHOWN]]
            more = [f"{len(seen) - SHOWN} more"] if len(seen) > SHOWN else []
            lines.append(f"{title}: {', '.join([*shown, *more])}")
    return (*lines, *(each.sentence for each in known if is_of_servers(each)))


def is_of_servers(lack: Lack) -> bool:
    """Return whether the missing thing is a server or a host name, rather than a variable or file."""
    return lack.seen.kind in (CONNECT, LOOKUP)


def lacks(state: str, hosts: Iterable[str], *, is_running: bool) -> tuple[Lack, ...] | None:
    """Return the missing variables, files and servers that processes tried to use; None if no start was recorded.

    Servers on this machine count only while the project runs and if the system reports listeners. `hosts` are names
    that resolve to this machine.
    """
    folder = observed_folder(state)
    names = list_names(folder)
    by_name = {name: read_observations(os.path.join(folder, name)) for name in names}
    if not any(by_name.values()):
        return None
    listening = _listening() if is_running else None
    found: dict[Observation, list[str]] = {}
    for name, seen in by_name.items():
        bound = {each.port for each in seen if each.kind == BIND}
        for each in seen:
            if _is_lacking(each, bound, listening, {*hosts}):
                found.setdefault(each, []).append(name)
    return tuple(Lack(tuple(names), each, f"{', '.join(names)} {_words_of(each)}") for each, names in found.items())


def _listening() -> frozenset[int] | None:
    """Return the ports with a listener on this machine; None if the system doesn't report them."""
    try:
        return frozenset(listening_sockets.listeners())
    except OSError:
        return None


def _is_lacking(seen: Observation, bound: set[int], listening: frozenset[int] | None, hosts: set[str]) -> bool:
    if seen.kind == UNSET:
        return seen.how not in (DEFAULT, TESTED)
    if seen.kind == NO_FILE:
        return True
    if seen.kind not in (CONNECT, LOOKUP) or seen.port in bound:
        return False
    host = seen.host or seen.name
    if is_here(host):  # drivers may connect in their own threads, without a line of the project
        is_known = bool(seen.place) or seen.port in SERVICES
        return seen.kind == CONNECT and is_known and listening is not None and seen.port not in {0, *listening}
    return bool(seen.place) and seen.kind == LOOKUP and "." not in host and host not in hosts


def _words_of(seen: Observation) -> str:
    if seen.kind == UNSET:
        return f"read {seen.name}{seen.where}, which has no value"
    if seen.kind == NO_FILE:
        return f"looked for {seen.name}{seen.where}, which doesn't exist"
    if seen.kind == LOOKUP:
        return f"looks up the host {seen.host or seen.name}{seen.where}, which doesn't exist"
    return f"connects to {seen.name}{seen.where}, where nothing listens"


def _explain_missing_file(spec: ProcessSpec, seen: Sequence[Observation], output: _Output) -> Explanation | None:
    found = _NO_FILE.search(output.raised)
    if found is None:
        return None
    base = os.path.basename(found[1])
    missing = next((each for each in seen if each.kind == NO_FILE and os.path.basename(each.name) == base), None)
    if missing is None:
        return None
    # A file inside the project may be created by another process later
    lasts = missing.name.startswith("/")
    return Explanation(_words_of(missing), _leading_here(spec, seen, output.root, missing), lasts)


def _leading_here(spec: ProcessSpec, seen: Sequence[Observation], root: str, missing: Observation) -> tuple[str, ...]:
    """Return the command that sets a variable to a local path, if its default in the code is a container's path."""
    for asked in seen if missing.name.startswith("/") else ():
        path = _default_path(root, asked) if asked.kind == UNSET and asked.how == DEFAULT else ""
        if path and (missing.name == path or missing.name.startswith(f"{path}/")):
            copying = copying_command((f"No such file or directory: '{missing.name}'",), root)
            here = _inner_path(root, path, is_there=not copying)
            command = append_command(root, env_file_of(spec, seen), [f"{asked.name}={here}"]) if here else ""
            return (f"{copying.removesuffix('devboot up -d')}{command} && devboot up -d",) if command else ()
    return ()


def _default_path(root: str, asked: Observation) -> str:
    """Return the absolute path that the code has as the default of a variable (`getenv("X", "/data")`); "" for none."""
    file, _, number = asked.place.rpartition(":")
    lines = _text_of(root, file).splitlines()
    at = int(number) - 1 if number.isdecimal() else 0
    default = rf"""["']{re.escape(asked.name)}["']\s*,\s*["'](/[\w./-]+)["']"""
    found = re.search(default, "\n".join(lines[at : at + 4]))
    return found[1].rstrip("/") if found else ""


def _inner_path(root: str, path: str, *, is_there: bool) -> str:
    """Return the longest end of an absolute path that exists below the root: `data/x` for `/app/data/x`; "" for none.

    Without `is_there`, only the folder of that file has to exist.
    """
    parts = path.split("/")[1:]
    for inner in ("/".join(parts[at:]) for at in range(len(parts))):
        wanted = os.path.join(root, inner if is_there else os.path.dirname(inner))
        if os.path.exists(wanted) and (is_there or os.path.dirname(inner)):
            return inner
    return ""
