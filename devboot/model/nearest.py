"""Finds the most similar known word by edit distance, for "did you mean"."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most similar to `word`; None if none is similar enough. Of equal ones the first by name.

    One edit per three characters is accepted; case and the choice between `-` and `_` are ignored.
    """
    folded = _fold(word)
    best: tuple[int, str] | None = None
    for candidate in candidates:
        limit = _limit(folded, candidate) if best is None else best[0]
        if abs(len(candidate) - len(folded)) > limit:
            continue
        found = _distance(folded, _fold(candidate), limit)
        if found is not None and (best is None or (found, candidate) < best):
            best = (found, candidate)
    return None if best is None else best[1]


def _fold(word: str) -> str:
    return word.casefold().replace("_", "-")


def _limit(word: str, candidate: str) -> int:
    return max(1, max(len(word), len(candidate)) // 3)


def _distance(word: str, other: str, limit: int) -> int | None:
    """Return the number of edits (insert, delete, replace, swap neighbours) between two words; None above `limit`."""
    if word == other:
        return 0
    if min(len(word), len(other)) <= limit:
        return None  # every word is similar to one that short
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        previous, row = row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return None
        before = previous
    return row[-1] if row[-1] <= limit else None
