"""Extracts the names of missing environment variables from a program's last output."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Messages of libraries that read settings, with the variable's name
_SAID = (
    r"^decouple\.UndefinedValueError: (\w+) not found",
    r"^(?:django\.core|environ)\.\S*ImproperlyConfigured: Set the (\w+) environment variable",
    r"^environs\.\S*EnvError: Environment variable \"(\w+)\" not set",
    r"^KeyError: \"Config '(\w+)' is missing, and has no default\.\"",
)
_OF_PYDANTIC = r"validation errors? for \w*(?:Settings|Config|Env)"
_WRONG = r"\s+(?:field required\b|.*\binput_value='')"  # an empty value may be no value of the field's type
_ENVIRON = r"\bos\.environ\[|^\s*raise KeyError\(key\) from None"


def unset_variables(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the names of missing variables, in order of the lines; empty if the lines report none."""
    import re
    from itertools import pairwise

    said = tuple(lines)
    found = [match[1] for line in said for pattern in _SAID if (match := re.match(pattern, line))]
    if any(re.search(_OF_PYDANTIC, line) for line in said):
        # Each field's name is on the line above its error
        found += [name.upper() for name, wrong in pairwise(said) if re.match(_WRONG, wrong, re.IGNORECASE)]
    if any(re.search(_ENVIRON, line) for line in said):
        found += [match[1] for line in said if (match := re.match(r"KeyError: '([A-Z][A-Z0-9_]*)'$", line))]
    return tuple(dict.fromkeys(name for name in found if name.isidentifier()))
