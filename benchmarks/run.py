"""Measures devboot beside its peers in one run and says which budgets it keeps.

    python benchmarks/run.py [NAME...] [--quick] [--list]

Without names everything is measured. Exit code 1: a budget isn't kept.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING

import machine
import processes
import table

if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIOS = (
    *("commands", "starting", "stopping", "crashing", "redis", "output", "logs", "idle"),
    *("editing", "detached", "example", "publishing", "lock", "syncing"),
)


def main() -> int:
    """Measure what is asked for and print each table as soon as it is there."""
    wanted = _parse()
    processes.adopt_orphans()
    print(f"{machine.describe()}\n")
    kept = True
    for name in wanted.names or SCENARIOS:
        measure: Callable[[bool], table.Section] = importlib.import_module(f"scenarios.{name}").measure
        section = measure(wanted.quick)
        print(table.render(section), flush=True)
        kept &= section.kept
    return 0 if kept else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure devboot beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: trust the order, not the second digit")
    parsed = parser.parse_args()
    unknown = [name for name in parsed.names if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario `{unknown[0]}`: there are {', '.join(SCENARIOS)}")
    return parsed


if __name__ == "__main__":
    sys.exit(main())
