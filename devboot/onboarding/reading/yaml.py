"""The part of YAML that compose files are written in: mappings, lists, scalars, anchors, merges, block texts.

What it doesn't know it passes over; it never fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KEY = re.compile(r"""^(?:"([^"]*)"|'([^']*)'|([^\s#"'\[\]{},&*!|>][^#]*?))\s*:(?:\s+(.*)|)$""")
ANCHOR = re.compile(r"^&([\w.-]+)\s*(.*)$")


@dataclass(slots=True)
class Line:
    """A line with its indentation, without what is a comment."""

    number: int
    indent: int
    text: str


@dataclass(slots=True)
class Reader:
    """Lines still to be read, and the anchors met so far."""

    lines: list[Line]
    raw: list[str]
    at: int = 0
    anchors: dict[str, object] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    wrong: list[int] = field(default_factory=list)  # lines that no YAML has there, from 1

    def peek(self) -> Line | None:
        """The next line, if there is one."""
        return self.lines[self.at] if self.at < len(self.lines) else None


def parse_yaml(text: str, wrong: list[int] | None = None) -> object:
    """The document as dictionaries, lists and texts; scalars stay texts. `wrong` gets the lines that are no YAML."""
    raw = text.splitlines()
    lines = []
    for number, line in enumerate(raw):
        bare = _strip_comment(line.replace("\t", "    "))
        if bare.strip() and not bare.startswith(("---", "...", "%")):
            lines.append(Line(number, len(bare) - len(bare.lstrip()), bare.strip()))
    reader = Reader(lines, raw, wrong=[] if wrong is None else wrong)
    try:
        return _block(reader, 0, 0)
    except (RecursionError, IndexError, ValueError):
        return None


def _strip_comment(line: str) -> str:
    quote = ""
    for index, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#" and (index == 0 or line[index - 1] in " \t"):
            return line[:index].rstrip()
    return line.rstrip()


def _block(reader: Reader, indent: int, depth: int) -> object:
    line = reader.peek()
    if line is None or line.indent < indent or depth > 30:
        return None
    if line.text.startswith("- ") or line.text == "-":
        return _list(reader, line.indent, depth)
    if KEY.match(line.text):
        return _mapping(reader, line.indent, depth)
    reader.at += 1
    return _scalar(reader, line.text, Line(line.number, line.indent - 1, line.text), depth)


def _list(reader: Reader, indent: int, depth: int) -> list[object]:
    found: list[object] = []
    while (
        (line := reader.peek()) is not None
        and line.indent == indent
        and (line.text.startswith("- ") or line.text == "-")
    ):
        rest = line.text[1:].strip()
        if not rest:
            reader.at += 1
            found.append(_block(reader, indent + 1, depth + 1))
        elif KEY.match(rest) and not rest.startswith(("{", "[", '"', "'")):
            # The item is a mapping that begins behind its dash
            reader.lines[reader.at] = Line(line.number, indent + 2, rest)
            following = reader.lines[reader.at + 1] if reader.at + 1 < len(reader.lines) else None
            if following is not None and following.indent > indent:
                reader.lines[reader.at].indent = following.indent if not following.text.startswith("- ") else indent + 2
            found.append(_mapping(reader, reader.lines[reader.at].indent, depth + 1))
        else:
            reader.at += 1
            found.append(_scalar(reader, rest, line, depth))
    return found


def _mapping(reader: Reader, indent: int, depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    merged: dict[str, object] = {}
    while (line := reader.peek()) is not None and line.indent >= indent:
        match = KEY.match(line.text)
        if line.indent != indent or match is None:
            if line.indent == indent or (match is not None and reader.raw[line.number][: line.indent].isspace()):
                reader.wrong.append(line.number + 1)
            reader.at += 1  # nothing that this reader knows
            continue
        key = next(part for part in match.groups()[:3] if part is not None).strip()
        value = _value(reader, (match[4] or "").strip(), line, indent, depth)
        if key == "<<":
            for item in value if isinstance(value, list) else [value]:
                merged |= item if isinstance(item, dict) else {}
        else:
            found[key] = value
    return merged | found


def _value(reader: Reader, rest: str, line: Line, indent: int, depth: int) -> object:
    anchor = ANCHOR.match(rest)
    if anchor:
        value = _value(reader, anchor[2].strip(), line, indent, depth)
        reader.anchors[anchor[1]] = value
        return value
    reader.at += 1
    if rest:
        return _scalar(reader, rest, line, depth)
    following = reader.peek()
    if following is None:
        return None
    if following.indent > indent:
        return _block(reader, indent + 1, depth + 1)
    if following.indent == indent and following.text.startswith("- "):
        return _list(reader, indent, depth + 1)
    return None


def _scalar(reader: Reader, text: str, line: Line, depth: int) -> object:
    if text.startswith("*"):
        return reader.anchors.get(text[1:].strip())
    if re.match(r"^[|>][+-]?\d*$", text):
        return _text_block(reader, line, folded=text.startswith(">"))
    if text.startswith(("[", "{")):
        return _flow(_gather(reader, text))
    if text.startswith(("'", '"')):
        return _quoted(_gather_quoted(reader, text))
    following = reader.peek()
    while following is not None and following.indent > line.indent and not KEY.match(following.text) and depth >= 0:
        if following.text.startswith("- "):
            break
        text += " " + following.text  # a plain text goes on in deeper lines
        reader.at += 1
        following = reader.peek()
    return text


def _text_block(reader: Reader, line: Line, *, folded: bool) -> str:
    parts: list[str] = []
    while (following := reader.peek()) is not None and following.indent > line.indent:
        parts.append(reader.raw[following.number].strip())
        reader.at += 1
    return (" " if folded else "\n").join(parts)


def _gather(reader: Reader, text: str) -> str:
    while text.count("[") + text.count("{") > text.count("]") + text.count("}"):
        following = reader.peek()
        if following is None:
            break
        text += " " + following.text
        reader.at += 1
    return text


def _gather_quoted(reader: Reader, text: str) -> str:
    quote = text[0]
    while text.count(quote) - text.count("\\" + quote) == 1:
        following = reader.peek()
        if following is None:
            break
        text += " " + following.text
        reader.at += 1
    return text


def _quoted(text: str) -> str:
    end = text.rfind(text[0])
    inner = text[1:end] if end > 0 else text[1:]
    return inner.replace('\\"', '"').replace("\\n", "\n") if text[0] == '"' else inner.replace("''", "'")


def _flow(text: str) -> object:
    """`[a, b]` and `{a: b}` on one line."""
    body = text.strip()
    if body.startswith("["):
        return [_flow_item(part) for part in _split(body[1:].rstrip("]").rstrip())]
    found: dict[str, object] = {}
    for part in _split(body[1:].rstrip("}").rstrip()):
        key, _, value = part.partition(":")
        found[key.strip().strip("\"'")] = _flow_item(value)
    return found


def _flow_item(part: str) -> object:
    part = part.strip()
    if part.startswith(("[", "{")):
        return _flow(part)
    return _quoted(part) if part.startswith(("'", '"')) else part


def _split(body: str) -> list[str]:
    parts, depth, quote, current = [], 0, "", ""
    for char in body:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        if char == "," and depth == 0 and not quote:
            parts.append(current)
            current = ""
        else:
            current += char
    return [part for part in [*parts, current] if part.strip()]
