"""What checks say: facts, findings, and how a fix would be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devboot.doctor.subject import Subject

OK, IDLE, WARNING, ERROR = "ok", "idle", "warning", "error"
_RANK = {OK: 0, IDLE: 1, WARNING: 2, ERROR: 3}


@dataclass(frozen=True)
class Fix:
    """How a finding goes away: the command to paste and what it does beside it.

    `use_case` and `arguments` say the same for a program: the module in `devboot.app` and what it is called with.
    `cost` is what the person pays: "fetches 2.4 MB again".
    """

    command: str
    cost: str = ""
    use_case: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One complaint. `what` follows the rules of error messages; `evidence` are facts that prove it."""

    slug: str
    severity: str  # WARNING or ERROR
    what: str
    why: str
    fix: Fix
    evidence: tuple[str, ...] = ()
    fact: str = ""  # what the area's line says of it; by default `what`


@dataclass(frozen=True)
class Answer:
    """What a check found out: facts for the area's line, findings, details for -v."""

    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    details: tuple[str, ...] = ()
    idle: bool = False  # there is nothing to check: not running, not made yet


@dataclass(frozen=True)
class Check:
    """A check of one area; `limit` is in seconds, after which it counts as hanging."""

    name: str
    area: str
    run: Callable[[Subject], Answer]
    limit: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """A check with its answer, or how it failed: `crash` is a sentence, "" where it didn't."""

    check: Check
    answer: Answer = field(default_factory=Answer)
    crash: str = ""


@dataclass(frozen=True)
class Area:
    """All outcomes of one area, in the order of its checks."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of the area."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.answer.findings)

    @property
    def crashes(self) -> tuple[Outcome, ...]:
        """The checks that failed themselves."""
        return tuple(outcome for outcome in self.outcomes if outcome.crash)

    @property
    def state(self) -> str:
        """The worst that was found."""
        states = [finding.severity for finding in self.findings]
        telling = [outcome.answer for outcome in self.outcomes if outcome.answer.facts]
        if not states and telling and all(answer.idle for answer in telling):
            return IDLE
        return max(states, key=lambda state: _RANK[state], default=OK)

    @property
    def fact(self) -> str:
        """The area's line: the worst finding's words, else the facts of all checks."""
        worst = [finding for finding in self.findings if finding.severity == self.state]
        if worst and worst[0].fact:
            return worst[0].fact
        if worst:
            return worst[0].what
        return ", ".join(fact for outcome in self.outcomes for fact in outcome.answer.facts)


@dataclass(frozen=True)
class Report:
    """The result of `doctor`: areas in fixed order, how long it took in seconds."""

    areas: tuple[Area, ...]
    seconds: float

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """All findings with their areas, errors first, else in the order of areas."""
        pairs = [(area.name, finding) for area in self.areas for finding in area.findings]
        return tuple(sorted(pairs, key=lambda pair: -_RANK[pair[1].severity]))

    @property
    def crashes(self) -> tuple[Outcome, ...]:
        """The checks that failed themselves."""
        return tuple(outcome for area in self.areas for outcome in area.crashes)

    @property
    def checks(self) -> int:
        """How many checks there were."""
        return sum(len(area.outcomes) for area in self.areas)

    def count(self, severity: str) -> int:
        """How many findings of a severity there are."""
        return sum(finding.severity == severity for _, finding in self.findings)

    def is_ok(self, *, strict: bool = False) -> bool:
        """Whether the exit code is 0: no error, no check that failed itself; with `strict` no warning either."""
        return not self.count(ERROR) and not self.crashes and not (strict and self.count(WARNING))
