"""Builds the command line by which devboot starts itself again, with the same modules, from any folder."""

from __future__ import annotations

import os
import sys

# Without `-m`, which would look for modules in the project's folder first. Its own folders stay: ours may still be
# without `site`, and with it without the packages.
_PROGRAM = (
    "import ast, sys; sys.path[:] = dict.fromkeys(ast.literal_eval(sys.argv.pop(1)) + sys.path); "
    "sys.argv[0] = sys.argv.pop(1); "
    "from devboot.__main__ import main; sys.exit(main())"
)


def command_line(*args: str) -> list[str]:
    """Return the argv that runs `devboot ARGS` with this installation."""
    path = [os.path.abspath(each) for each in sys.path]
    return [sys.executable, "-E", "-P", "-c", _PROGRAM, repr(path), sys.argv[0], *args]
