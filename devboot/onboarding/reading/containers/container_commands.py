"""Follows a container's command through entrypoints, images and scripts of the clone to the program that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from devboot.clone_reader import parse_json
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.containers.image_commands import Image, folder_of, image_of, places_of, script_of
from devboot.onboarding.reading.procfile import LONGEST
from devboot.onboarding.reading.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding.reading.containers.container import Container

_MOST_SCRIPTS = 4  # scripts that start one another
_MOST_STEPS = 100  # commands before the final one
_WAITS = re.compile(
    r"^\S*(?:wait[-_]?for[\w.-]*|dockerize|wait4ports)\s(?:.*?\s)?--\s+(?=\S)|^dockerize\s(?:-\w+\s+\S+\s+)+"
)
_WRAPPERS = re.compile(
    r"^(?:exec|(?:(?:/usr)?/s?bin/)?(?:tini(?:\s+-g)?(?:\s+--)?|dumb-init(?:\s+--)?|env|catchsegv|nohup|gosu\s+\S+"
    r"|su-exec\s+\S+)|(?:(?:/usr)?/bin/)?sudo(?:\s+-[EHnu]+(?:\s+\S+)?)*)\s+(?=\S)"
)
_STEP = re.compile(r"&&|;")
_KEPT_WHOLE = re.compile(r"(?:^|&&\s*|;\s*)(?:cd|if|for|while|until|case|export|\.)\s|\|\||[({]")


class Started(NamedTuple):
    """The command that a container finally runs, and those that its scripts run before it, each with its place."""

    command: str
    before: tuple[tuple[str, Evidence], ...] = ()


def started(tree: Tree, container: Container) -> Started:
    """Return the program that a container finally runs, through its entrypoint, image and the clone's scripts."""
    image = image_of(tree, container)
    text, where = _start(container, image)
    if not text:
        return Started(container.command)
    places = places_of(tree, container)
    folder = folder_of(tree, container)
    before: list[tuple[str, Evidence]] = []
    for _ in range(_MOST_SCRIPTS):
        if len(text) > LONGEST:
            return Started(text, tuple(before))
        *first, text = _steps(_WAITS.sub("", text))
        for each in first[: _MOST_STEPS - len(before)]:
            inner = script_of(tree, _unwrapped(each), places, folder)
            known = [] if inner is None else [(line, Evidence(inner.path, number)) for number, line in inner.lines]
            before = [*before, *(known or [(each, where)])][:_MOST_STEPS]
        script = script_of(tree, _unwrapped(text), places, folder)
        if script is None or not script.last:
            break
        is_of_image = image is not None and where.path == image.path
        if is_of_image and container.command and not script.hands_over:
            return Started(container.command)  # the intended command, although the image's script ignores it
        last = script.last[0]
        before += [(line, Evidence(script.path, number)) for number, line in script.lines if number < last[0]]
        before = before[:_MOST_STEPS]
        text, where = last[1], Evidence(script.path, last[0])
    return Started(_unwrapped(text), tuple(before))


def _start(container: Container, image: Image | None) -> tuple[str, Evidence]:
    """Return the command line that compose starts, with its place: entrypoint and arguments of container or image."""
    where = container.evidence
    given = container.values.get("command")
    words = None if given is None else list(_split(given))
    if container.entrypoint:
        return plain_words([*container.entrypoint, *(words or ())]), where
    lines = image.lines if image is not None else ()
    entry = next((each for each in reversed(lines) if each[1] == "ENTRYPOINT"), None)
    if image is not None and entry is not None and container.entrypoint is None:
        cmd = next((each for each in reversed(lines) if each[1] == "CMD"), None)
        if not entry[2].startswith("["):
            return entry[2], Evidence(image.path, entry[0])
        rest = words if words is not None else _of_json(cmd[2]) if cmd is not None else ()
        return plain_words([*_of_json(entry[2]), *rest]), Evidence(image.path, entry[0])
    if given is None and image is not None and container.entrypoint is None:
        cmd = next((each for each in reversed(lines) if each[1] == "CMD"), None)
        if cmd is not None:
            return plain_words(_of_json(cmd[2])) if cmd[2].startswith("[") else cmd[2], Evidence(image.path, cmd[0])
    return container.command, where


def _split(given: object) -> Sequence[str]:
    if isinstance(given, list):
        return [str(part) for part in given]
    try:
        return shlex.split(str(given))
    except ValueError:
        return str(given).split()


def _of_json(text: str) -> list[str]:
    """Return the words of a Dockerfile line in exec form; a line in shell form becomes `sh -c`."""
    try:
        listed = parse_json(text) if text.startswith("[") else None
    except ValueError:
        listed = None
    return [str(word) for word in listed] if isinstance(listed, list) else ["sh", "-c", text]


def plain_words(words: Sequence[str]) -> str:
    """Return words as a command line, without an enclosing `sh -c`."""
    if len(words) == 1:
        return words[0].strip()
    if len(words) == 3 and words[0].rpartition("/")[2] in ("sh", "bash", "ash") and words[1].startswith("-"):
        return " ".join(words[2].split())
    return shlex.join(words)


def _steps(text: str) -> Iterable[str]:
    """Return the commands of a shell line that run one after the other; the whole line if they depend on each other."""
    steps = [text] if _KEPT_WHOLE.search(text) else _split_outside_quotes(text)
    return [each for each in (step.strip() for step in steps) if each] or [text]


def _split_outside_quotes(text: str) -> Iterator[str]:
    """Split a shell line at `&&` and `;` outside of quotes."""
    closes = [True] * (len(text) + 1)  # whether each quote from here on is closed
    following: dict[str, int] = {}  # the next position of each quote
    for at in range(len(text) - 1, -1, -1):
        letter = text[at]
        end = following.get(letter) if letter in "'\"" else at
        closes[at] = end is not None and closes[end + 1]
        following[letter] = at
    start = 0
    for match in _STEP.finditer(text):
        if closes[match.end()]:
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def _unwrapped(text: str) -> str:
    """Return a command without wrappers: `exec`, init programs, changes of user."""
    while match := _WRAPPERS.match(text):
        text = text[match.end() :]
    return text
