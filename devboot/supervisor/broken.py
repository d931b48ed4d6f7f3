"""Whether a program ended because its own code can't be loaded, which no restart heals: read from its last lines."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

WITHIN = 30.0  # seconds that a program may live before an import error is no matter of its start any more

# The last line of a traceback, and what servers say that catch the exception themselves
_SIGNS = (
    r"^(?:ModuleNotFoundError|ImportError|SyntaxError|IndentationError|TabError|NameError): .",
    r"^(?:[\w.]+\.)?ImproperlyConfigured: .",
    r"^pydantic\.errors\.PydanticImportError: .",
    r"^Error: (?:Could not import|While importing) ",
    r"^(?:ERROR: +)?Error loading ASGI app\. .",
    r"^Failed to find (?:attribute|application object) ",
    r"^Unable to load celery application\.",
    r"^The module \S+ was not found\.",
)


def broken_code(lines: Iterable[str]) -> str:
    """The last of `lines` that says what of the code can't be loaded; empty where none does."""
    import re

    sign = re.compile("|".join(_SIGNS))
    return next((line.strip() for line in reversed(tuple(lines)) if sign.match(line)), "")
