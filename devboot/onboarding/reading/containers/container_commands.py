"""Follows a container's command through entrypoints, images and scripts of the clone to the program that runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.containers.container import Container, words_of
from devboot.onboarding.reading.containers.image_commands import (
    Image,
    exec_form,
    folder_of,
    image_of,
    places_of,
    script_of,
)
from devboot.onboarding.reading.procfile import LONGEST
from devboot.onboarding.reading.tree import Tree

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
    given = container.values.get("command")
    words = None if given is None else words_of(given)
    if container.entrypoint:
        return plain_words([*container.entrypoint, *(words or ())]), container.evidence
    lines = image.lines if image is not None and container.entrypoint is None else ()
    last = {word: (text, Evidence(image.path if image is not None else "", line)) for line, word, text in lines}
    if "ENTRYPOINT" in last:
        text, where = last["ENTRYPOINT"]
        if not text.startswith("["):
            return text, where
        rest = words if words is not None else _words(last["CMD"][0]) if "CMD" in last else ()
        return plain_words([*_words(text), *rest]), where
    if words is None and "CMD" in last:
        text, where = last["CMD"]
        return plain_words(_words(text)) if text.startswith("[") else text, where
    return container.command, container.evidence


def _words(text: str) -> list[str]:
    """Return the words of a Dockerfile line; a line in shell form becomes `sh -c`."""
    words = exec_form(text)
    return ["sh", "-c", text] if words is None else words


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
