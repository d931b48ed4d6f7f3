"""Env files and their templates: names, values and whether a value is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*(.*)$")
# What people write where a value belongs
PLACEHOLDER = re.compile(
    r"^$|<[^>]*>|^\[.*\]$|^x{3,}|\bx{4,}\b|\byour[-_ ]|[-_ ]here$|change[-_ ]?(?:me|this|it)|"
    r"^enter[-_ ]|replace|placeholder|"
    r"^todo|^insert|^set[-_ ]?me|^not[-_ ]set$|\.\.\.|^\*+$|^(?:none|null|changeit|fixme|tbd|redacted|secret|example)$|"
    # a choice, and what explains one
    r"^\w+(?:\s*\|\s*\w+)+$|^(?:true|false) ?/ ?(?:true|false)$|^\?+$|^-+$|"
    r"^(?:true|false|yes|no|on|off|dev|development|prod|production|local) (?:or|for|if|in|when) |"
    r"^(?:db|database|user|host)_?name$|"
    r"^put[-_ ]|^ask[-_ ]|^my[-_ ]?(?:secret|key|token|api)|^(?:some|a)[-_ ](?:secret|key|token|thing)|^\{\{|^generate",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A line of an env file."""

    name: str
    text: str
    path: str
    line: int

    @property
    def is_placeholder(self) -> bool:
        """Whether the value only holds the place of one."""
        return bool(PLACEHOLDER.search(self.text.strip()))


def parse_variables(text: str, path: str = "") -> dict[str, Variable]:
    """The variables of an env file; the last of a name counts. Lines that set none are passed over."""
    found: dict[str, Variable] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.match(line)
        if match:
            found[match[1]] = Variable(match[1], _unquoted(match[2].strip()), path, number)
    return found


def _unquoted(raw: str) -> str:
    quote = raw[:1]
    if quote in ("'", '"'):
        end = raw.find(quote, 1)
        if end > 0:
            return raw[1:end]
    # An unquoted value ends where a comment begins
    return re.split(r"\s+#", raw, maxsplit=1)[0].strip() if not raw.startswith("#") else ""
