"""Detects in the last output that a program can't load its own code, so that restarting won't help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WITHIN = 30.0  # seconds after the start within which an import error counts as a failed start
# A block of output without any of these contains no such line and starts no traceback
TROUBLE = (b"Error", b"Traceback", b"Improperly", b"not found", b"Failed to find", b"Unable")
# The last line of a traceback, and messages of servers that catch the exception
_SIGNS = (
    r"^(?:ModuleNotFoundError|ImportError|SyntaxError|IndentationError|TabError|NameError): .",
    r"^(?:[\w.]+\.)?ImproperlyConfigured: .",
    r"^pydantic\.errors\.PydanticImportError: .",
    r"^pydantic\S*\.ValidationError: \d+ validation errors? for \w*(?:Settings|Config|Env)",
    r"^[\w.]+Error: The \w+ client option must be set either by passing",
    r"^decouple\.UndefinedValueError: .",
    r"^environs\.\S*EnvError: .",
    r"^Error: (?:Could not import|While importing) ",
    r"^(?:ERROR: +)?Error loading ASGI app\. .",
    r"^Failed to find (?:attribute|application object) ",
    r"^Unable to load celery application\.",
    r"^The module \S+ was not found\.",
    r"^\S*python[\d.]*: can't open file '",
    r"^\S*python[\d.]*: No module named ",
    r"^Error: Cannot find module '/",
)
# Exceptions caused by a mistake in the code or a missing value. Others, such as a refused connection, may pass.
_MISTAKES = (
    "ArithmeticError|AssertionError|AttributeError|BufferError|EOFError|FloatingPointError|IndexError|KeyError"
    "|LookupError|NotImplementedError|OverflowError|RecursionError|TypeError|UnboundLocalError|UnicodeDecodeError"
    "|UnicodeEncodeError|UnicodeError|ValueError|ZeroDivisionError"
)
# Lines that say why a program failed, and lines of its callers, which only say that it failed
_COMPLAINS = (
    r"(?i)\b(?:\w*error|\w*exception|fatal|failed|failure|cannot|can't|could not|denied|invalid|missing|"
    r"no such|not found|panic|refused|unable|undefined|unknown)\b"
)
_SAYS_NOTHING = (
    r"^\s*at |\*\*\* \[|\bmake(?:\[\d+\])?: |[Cc]ommand failed with exit code|A complete log of this run|ELIFECYCLE|"
    r"npm (?:ERR!|error) (?:code|errno|path|command|Lifecycle|workspace|location)\b|^Process exited|exit status \d+$|"
    r"^\(Background on this error at: "
)
_FRAME = r'^ +File "(.+)", line \d+, in (\S+)$'
_MODULE = "<module>"
_RUNS_SCRIPTS = "runpy"  # `python -m` runs a program through it
LINES = 200  # lines of output that are searched for a traceback
_TRACEBACK = "Traceback (most recent call last):"
_AFTERWARDS = 2  # most lines of several words that may follow an exception at the end


def raised(lines: Iterable[str]) -> str:
    """Return the exception line of the traceback with which `lines` end; "" if they end with anything else."""
    lines = tuple(lines)
    start = next((at for at in reversed(range(len(lines))) if lines[at].endswith(_TRACEBACK)), None)
    if start is None:
        return ""
    rest = [line for line in lines[start + 1 :] if line and not line[0].isspace()]
    if not rest or not rest[0].partition(":")[0].replace(".", "_").isidentifier():
        return ""
    said_more = sum(" " in line for line in rest[1:])
    return rest[0].strip() if said_more <= _AFTERWARDS else ""


def last_raised(lines: Iterable[str]) -> str:
    """Return the exception line of the last traceback in `lines`, such as `KeyError: 'x'`; "" if there is none."""
    in_traceback, found = False, ""
    for line in lines:
        if line.endswith(_TRACEBACK):
            in_traceback = True
        elif in_traceback and line and not line[0].isspace():
            in_traceback = False
            if line.partition(":")[0].replace(".", "_").isidentifier():
                found = line.strip()
    return found


def complaint(lines: Iterable[str]) -> str:
    """Return the output line that best explains why a program failed; "" if there is no output."""
    import re

    lines = tuple(line.rstrip() for line in lines if line.strip())
    if found := last_raised(lines):
        return found
    said = [line.strip() for line in lines if re.search(_COMPLAINS, line) and not re.search(_SAYS_NOTHING, line)]
    return (said or [line.strip() for line in lines])[-1] if lines else ""


def broken_code(lines: Iterable[str]) -> str:
    """Return the last of `lines` that reports an import or syntax error at start-up; "" if none does."""
    import re

    lines = tuple(lines)
    sign, mistake = re.compile("|".join(_SIGNS)), re.compile(rf"(?:{_MISTAKES})(?::|$)")
    for at in reversed(range(len(lines))):
        if sign.match(lines[at]) or (mistake.match(lines[at]) and _is_at_import(lines[:at])):
            return lines[at].strip()
    return ""


def _is_at_import(lines: Sequence[str]) -> bool:
    """Return whether the traceback at the end of `lines` was raised while a module was imported.

    In the main program only its top-level statements count as import; functions called by them are its work.
    """
    import re

    frames: list[tuple[str, str]] = []
    for line in reversed(lines):
        if line and not line[0].isspace():
            break
        if found := re.match(_FRAME, line):
            frames.insert(0, (found[1], found[2]))
    last = next((at for at in reversed(range(len(frames))) if frames[at][1] == _MODULE), None)
    if last is None:
        return False
    is_program = all(_RUNS_SCRIPTS in file for file, _ in frames[:last])
    return not is_program or all(_is_os(file) for file, _ in frames[last + 1 :])


def _is_os(file: str) -> bool:
    """Return whether a file in a traceback is Python's module `os`, which raises KeyError for `os.environ["X"]`."""
    return file == "<frozen os>" or file.endswith("/os.py")
