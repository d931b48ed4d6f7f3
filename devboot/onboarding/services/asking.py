"""Variables that ask for an address of a database server, or for a part of one, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from devboot.onboarding.symbolic_eval.evaluate import Run

ASKS = re.compile(r"^(?:\w+_)?(?:DATABASE|DB|POSTGRES(?:QL)?|PG|SQLALCHEMY_DATABASE)_(?:URL|URI|DSN)$")
ROLES = (
    ("url", re.compile(r"(?:URL|URI|DSN)$")),
    ("port", re.compile(r"PORT$")),
    ("password", re.compile(r"PASS(?:WORD|WD)?$|_PWD?$")),
    ("host", re.compile(r"HOST(?:NAME)?$|SERVER$|ADDR(?:ESS)?$|ENDPOINT$")),
    ("user", re.compile(r"USER(?:NAME)?$|ROLE$")),
    ("name", re.compile(r"(?:DB|NAME|DATABASE)$")),
)


def given_elsewhere(run: Run, hints: Mapping[str, str]) -> dict[str, str]:
    """Such variables that the code has no value of its own for, with what an example or `hints` give them."""
    found: dict[str, str] = {}
    for name, read in run.found.reads.items():
        text = run.machine.environ.get(name) or run.machine.guesses.get(name) or hints.get(name) or ""
        has_default = read.default is not None and read.default.data is not None
        if text and not has_default and ASKS.match(name.upper()):
            found[name] = text
    return found
