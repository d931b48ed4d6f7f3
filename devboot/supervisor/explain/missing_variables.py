"""Variables that a program says it has no value for: read from its last lines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# What libraries that read settings say, with the variable's name
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
    """The names, in the order of the lines; none where the lines speak of something else."""
    import re
    from itertools import pairwise

    said = tuple(lines)
    found = [match[1] for line in said for pattern in _SAID if (match := re.match(pattern, line))]
    if any(re.search(_OF_PYDANTIC, line) for line in said):
        # Each field stands above what is wrong with it
        found += [name.upper() for name, wrong in pairwise(said) if re.match(_WRONG, wrong, re.IGNORECASE)]
    if any(re.search(_ENVIRON, line) for line in said):
        found += [match[1] for line in said if (match := re.match(r"KeyError: '([A-Z][A-Z0-9_]*)'$", line))]
    return tuple(dict.fromkeys(name for name in found if name.isidentifier()))
