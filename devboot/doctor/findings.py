"""Results of doctor's checks: facts, findings with their fixes, and the whole report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devboot.record import Record

if TYPE_CHECKING:
    from devboot.doctor.subject import Subject

OK, IDLE, WARNING, ERROR = "ok", "idle", "warning", "error"
_RANK = {OK: 0, IDLE: 1, WARNING: 2, ERROR: 3}


class Fix(Record):
    """How to fix a finding: a command to paste, and its side effects.

    `use_case` and `arguments` are the same command for a program: the module in `devboot.app` and its arguments.
    `cost` is a side effect in words, as in "fetches 2.4 MB again".
    """

    command: str
    cost: str = ""
    use_case: str = ""
    arguments: tuple[str, ...] = ()


class Finding(Record):
    """One problem that a check has found.

    `what` follows the rules for error messages; `evidence` lists facts that prove it.
    """

    slug: str
    severity: str  # WARNING or ERROR
    what: str
    why: str
    fix: Fix
    evidence: tuple[str, ...] = ()
    fact: str = ""  # text for the area's line; by default `what`
    refusal: int | None = None  # position among the errors with which `up` would refuse to start; None: it would start


class Answer(Record):
    """Result of one check: facts for the area's line, findings, details for -v. `idle`: there was nothing to check."""

    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    details: tuple[str, ...] = ()
    idle: bool = False  # there is nothing to check: not running, or not created yet


class Check(Record):
    """A check of one area; after `limit` seconds it counts as hanging."""

    name: str
    area: str
    run: Callable[[Subject], Answer]
    limit: float = 10.0


@dataclass(frozen=True)
class Outcome:
    """A check with its answer; `crash` describes how the check itself failed, "" if it didn't."""

    check: Check
    answer: Answer = field(default_factory=Answer)
    crash: str = ""


class Area(Record):
    """All checks of one area with their answers, in order."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the area.

        A finding about an error of `up` replaces other checks' findings of the same problem.
        """
        found = [finding for outcome in self.outcomes for finding in outcome.answer.findings]
        refused = {finding.slug for finding in found if finding.refusal is not None}
        return tuple(each for each in found if each.refusal is not None or each.slug not in refused)

    @property
    def crashes(self) -> tuple[Outcome, ...]:
        """The checks that crashed or hung."""
        return tuple(outcome for outcome in self.outcomes if outcome.crash)

    @property
    def state(self) -> str:
        """The severity of the worst finding; IDLE if there was nothing to check."""
        states = [finding.severity for finding in self.findings]
        with_facts = [outcome.answer for outcome in self.outcomes if outcome.answer.facts]
        if not states and with_facts and all(answer.idle for answer in with_facts):
            return IDLE
        return max(states, key=lambda state: _RANK[state], default=OK)

    @property
    def fact(self) -> str:
        """The text of the area's line: the worst finding if there is one, else the facts of all checks."""
        worst = [finding for finding in self.findings if finding.severity == self.state]
        if worst and worst[0].fact:
            return worst[0].fact
        if worst:
            return worst[0].what
        return ", ".join(fact for outcome in self.outcomes for fact in outcome.answer.facts)


def _order(finding: Finding) -> tuple[bool, int]:
    return finding.refusal is None, finding.refusal or 0


class Report(Record):
    """The result of `doctor`: areas in fixed order, and the seconds that all checks took.

    `changes` is a sentence about what has changed since the project last worked, "" without findings or changes.
    `ran` is the number of checks where the outcomes don't have all of them.
    """

    areas: tuple[Area, ...]
    seconds: float
    changes: str = ""
    ran: int = 0

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """All findings as (area, finding), most important first: errors for which `up` refuses to start, in its order.

        Then other errors, and warnings, each in the order of the areas.
        """
        pairs = [(area.name, finding) for area in self.areas for finding in area.findings]
        return tuple(sorted(pairs, key=lambda pair: (-_RANK[pair[1].severity], *_order(pair[1]))))

    @property
    def crashes(self) -> tuple[Outcome, ...]:
        """The checks that crashed or hung."""
        return tuple(outcome for area in self.areas for outcome in area.crashes)

    @property
    def checks(self) -> int:
        """The number of checks that were run."""
        return self.ran or sum(len(area.outcomes) for area in self.areas)

    def count(self, severity: str) -> int:
        """Return the number of findings of a severity."""
        return sum(finding.severity == severity for _, finding in self.findings)

    def is_ok(self, *, strict: bool = False) -> bool:
        """Return True if the exit code is 0: no error and no crashed check; with `strict` no warning either."""
        return not self.count(ERROR) and not self.crashes and not (strict and self.count(WARNING))
