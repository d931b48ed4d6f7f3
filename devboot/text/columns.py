"""Lays out text in columns and wraps lines; a character may take zero, one or two cells."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "
_BELOW = "    "  # indents fields that don't fit beside their row
_TAB = 4  # cells


def cells(text: str) -> int:
    """Return the number of terminal cells of `text`: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    count = 0
    for character in text:
        if category(character) in ("Mn", "Me", "Cf"):
            continue
        count += 2 if east_asian_width(character) in "WF" else 1
    return count


def clip(text: str, room: int) -> str:
    """Return the longest beginning of `text` that fits into `room` terminal cells."""
    if text.isascii():
        return text[: max(0, room)]
    for index, character in enumerate(text):
        room -= cells(character)
        if room < 0:
            return text[:index]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` padded with blanks to `width` cells; `right` aligns it to the right. Longer text isn't cut."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def printable(text: str) -> str:
    """Return `text` as one line, with control characters, line ends and the like as escapes.

    Names, values, paths and versions from a clone, a lock or an index are shown through this: they can neither break a
    line, move the cursor nor change the writing direction.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), width: int = 0) -> list[str]:
    """Return aligned lines, one per row, with two blanks between columns and none at the end.

    Columns whose index is in `right` are aligned to the right. All rows have the same number of fields. Fields are
    plain text, in which unprintable characters are shown as escapes; colours have to be added afterwards. The last
    fields of a row that is longer than the terminal's `width` move below it; if most rows are, the last columns of all
    rows do, as many as necessary.
    """
    rows = [[printable(field) for field in row] for row in rows]
    columns = range(len(rows[0]))
    sizes = [[cells(field) for field in row] for row in rows]
    widths = [max(column) for column in zip(*sizes, strict=True)]
    kept = [len(row) for row in rows]  # the fields of each row that stay on its line
    if width and _width_of(widths) > width:
        kept, widths = _fit(sizes, width)
    if 2 * kept.count(len(columns)) < len(rows):
        return _with_last_below(rows, right, width)
    lines: list[str] = []
    for row, most in zip(rows, kept, strict=True):
        fields = (pad(row[index], widths[index], right=index in right) for index in columns[:most])
        lines.append(_GAP.join(fields).rstrip())
        for field in filter(None, row[most:]):
            lines += wrap(field, width, first=_BELOW, then=_BELOW)
    return lines


def _width_of(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fit(sizes: Sequence[Sequence[int]], width: int) -> tuple[list[int], list[int]]:
    """Move the last field of the longest row below it until all columns fit; `sizes` has the cells of each field.

    Return the number of fields that each row keeps, and the widths of the columns.
    """
    from heapq import heapify, heappop, heappush

    kept = [len(row) for row in sizes]
    columns = [sorted((size, row) for row, size in enumerate(column)) for column in zip(*sizes, strict=True)]
    longest = [(-sum(row), number) for number, row in enumerate(sizes) if any(row) and len(row) > 1]
    heapify(longest)
    while True:
        for index, column in enumerate(columns):
            while column and kept[column[-1][1]] <= index:
                column.pop()
        widths = [column[-1][0] if column else 0 for column in columns]
        if not longest or _width_of(widths) <= width:
            return kept, widths
        length, row = heappop(longest)
        kept[row] -= 1
        length += sizes[row][kept[row]]
        if length and kept[row] > 1:
            heappush(longest, (length, row))


def _with_last_below(rows: Sequence[Sequence[str]], right: frozenset[int], width: int) -> list[str]:
    kept, leads = len(rows[0]), [""]
    while kept > 1 and (kept == len(rows[0]) or max(map(cells, leads)) > width):
        kept -= 1
        leads = table([row[:kept] for row in rows], right=right)
    lines: list[str] = []
    for lead, row in zip(leads, rows, strict=True):
        lines.append(lead)
        for field in filter(None, row[kept:]):
            lines += wrap(field, width, first=_BELOW, then=_BELOW)
    return lines


def table_within(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return aligned lines as `table` does, for a terminal of `width` cells (0: any).

    If the second to last field of a row is too wide, its last field moves to the next line, aligned with the other
    rows.
    """
    rows = [[printable(field) for field in row] for row in rows]
    last = max(cells(row[-1]) for row in rows)
    lead = table([row[:-2] for row in rows])
    first = max(map(cells, lead))
    room = width - first - last - 2 * len(_GAP)
    column = max((cells(row[-2]) for row in rows if not width or cells(row[-2]) <= room), default=0)
    lines = []
    for begin, row in zip(lead, rows, strict=True):
        line = _GAP.join((pad(begin, first), pad(row[-2], column), row[-1])).rstrip()
        if width and cells(line) > width and row[-1] and cells(row[-2]) > column:
            lines += [_GAP.join((pad(begin, first), row[-2])), _GAP.join((pad("", first), pad("", column), row[-1]))]
        else:
            lines.append(line)
    return lines


def wrap(text: str, width: int, *, first: str = "", then: str = "") -> list[str]:
    """Return lines of at most `width` cells, the first prefixed by `first`, the others by `then`; 0 means no limit.

    A word or a passage between backticks that is wider than a line stays whole, so that it can be copied. `text` is one
    line of plain text, in which unprintable characters are shown as escapes.
    """
    lines, line = [], first
    is_empty = True
    for word in _words(printable(text)):
        if not is_empty and width and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line, is_empty = then, True
        line += word if is_empty else " " + word
        is_empty = False
    return [*lines, line]


def expand_tabs(text: str) -> str:
    """Return a line with tabs as blanks, at stops of four cells, and other control characters as escapes."""
    if text.isprintable():
        return text
    expanded, column = [], 0
    for character in text:
        piece = " " * (_TAB - column % _TAB) if character == "\t" else printable(character)
        expanded.append(piece)
        column += cells(piece)
    return "".join(expanded)


def _words(text: str) -> list[str]:
    words: list[list[str]] = []
    is_quoted = False
    for word in text.split(" "):
        if is_quoted:
            words[-1].append(word)
        else:
            words.append([word])
        is_quoted ^= word.count("`") % 2 == 1
    return [" ".join(parts) for parts in words]
