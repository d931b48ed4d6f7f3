"""Programs that reload on their own when files change, so that devboot needn't watch these files."""

from __future__ import annotations

import re

PYTHON = ("!**/*.py",)
EVERYTHING = ("!**",)

# Pattern of the command → globs of the files that it watches.
_RELOADERS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"(?:^|[\s/])(?:watchfiles|watchmedo|nodemon|entr|watchexec)\s"), EVERYTHING),
    (re.compile(r"(?:^|[\s/])(?:webpack|esbuild|tailwindcss|tsc|sass)\s(?:.*\s)?(?:--watch|-w)\b"), EVERYTHING),
    (re.compile(r"(?:^|[\s/])(?:vite|next dev|webpack serve|webpack-dev-server|bun --watch)(?=\s|$)"), EVERYTHING),
    (re.compile(r"\srunserver(?:_plus)?(?=\s|$)(?!.*\s--noreload\b)"), PYTHON),
    (re.compile(r"(?:^|[\s/])(?:uvicorn|gunicorn|hypercorn|granian|sanic|daphne)\s(?:.*\s)?--reload\b"), PYTHON),
    (re.compile(r"(?:^|[\s/])fastapi\s+dev\b(?!.*\s--no-reload\b)"), PYTHON),
    (re.compile(r"(?:^|[\s/])flask\s(?:.*\s)?(?:--debug|--reload)\b(?!.*\s--no-reload\b)"), PYTHON),
    (re.compile(r"\bFLASK_DEBUG=(?:1|true)\b.*[\s/]flask\s(?:.*\s)?run\b(?!.*\s--no-reload\b)", re.IGNORECASE), PYTHON),
)


def left_to_itself(command: str) -> tuple[str, ...]:
    """Return the files that a command, such as `uvicorn --reload`, watches itself, as globs with `!` in front."""
    return next((globs for pattern, globs in _RELOADERS if pattern.search(command)), ())
