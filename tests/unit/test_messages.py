"""The wording of every message template in the code: what is said, and how."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import devboot

PACKAGE = Path(devboot.__file__).parent
SLUG = re.compile(r"[a-z]+/[a-z0-9-]+")
ERRORS = re.compile(r"(Work|Usage|Manifest|Lock|Network|Integrity|Machine|Busy|Trust|Devboot)Error")
BLAME = re.compile(r"\b(invalid|illegal|bad input|wrong input|sorry|oops|fatal|abort\w*)\b", re.IGNORECASE)
# Names that are written with a capital wherever they stand.
NAMES = ("Redis", "Valkey", "Python", "SQLite", "Procfile", "TOML", "UTF-8", "DEVBOOT_HOME", "HOME")


def template(node):
    """The text of a literal, with `{}` where values are filled in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def texts(node):
    """The templates in a list, tuple or conditional of them."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text for item in node.elts for text in texts(item)]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.Starred):
        return texts(node.value)
    text = template(node)
    return [] if text is None else [text]


@cache
def trees():
    """Path and syntax tree of each module."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Let go of the trees: each process that a test forks would have to copy their pages."""
    yield
    trees.cache_clear()


@cache
def messages():
    """(place, what, causes, helps) of every error and finding that is built in the code."""
    found = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if ERRORS.fullmatch(name):
                found.append((place, texts(node.args[1]), texts(keywords.get("causes")), texts(keywords.get("help"))))
            elif name == "Finding" and len(node.args) > 3:
                found.append((place, texts(node.args[2]), texts(node.args[3]), []))
    return found


def test_there_are_messages_to_look_at():
    assert len(messages()) > 80


def whats():
    return [(place, what) for place, whats, _, _ in messages() for what in whats]


def is_complete_short_and_lower_case(what):
    is_capital_wrong = what[:1].isupper() and not what.startswith(NAMES)
    return 0 < len(what) <= 100 and not what.endswith((".", "!", ":")) and "\n" not in what and not is_capital_wrong


def test_the_first_line_is_complete_short_and_lower_case():
    assert [(place, what) for place, what in whats() if not is_complete_short_and_lower_case(what)] == []


@pytest.mark.parametrize("what", ["", "a file is there.", "no!", "one:", "two\nlines", "a" * 101, "Nothing was done"])
def test_another_first_line_would_be_noticed(what):
    assert not is_complete_short_and_lower_case(what)


# Advice that devboot can't have: the slug's error is a recipe author's, or carries the advice of another error.
WITHOUT_HELP = re.compile(r"\b(?:error|problem|each|failure|first)\.slug")


def is_empty(node):
    """Whether the argument `help` is absent, or may be empty by its own form."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return not node.elts
    return node is None or (isinstance(node, ast.IfExp) and (is_empty(node.body) or is_empty(node.orelse)))


def test_every_error_has_advice():
    found = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            is_error = ERRORS.fullmatch(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if not is_error or any(keyword.arg is None for keyword in node.keywords):  # `**` passes on another's
                continue
            helps = {keyword.arg: keyword.value for keyword in node.keywords}.get("help")
            if is_empty(helps) and not WITHOUT_HELP.search(ast.unparse(node.args[0])):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def test_nobody_is_blamed():
    said = [(place, text) for place, *parts in messages() for part in parts for text in part]
    assert [(place, text) for place, text in said if BLAME.search(text)] == []


def test_a_flag_in_advice_comes_with_its_command():
    assert [(place, text) for place, *_, helps in messages() for text in helps if text.startswith("-")] == []


def test_advice_stands_in_help_only():
    advice = re.compile(r"\b(try|run|use|check|make sure|should|must be set) (the|your|`devboot|again)\b")
    assert [(place, what) for place, what in whats() if advice.search(what)] == []


# Programs that advice names, and what in an f-string is a path, or may be one
COMMANDS = re.compile(
    r"(?:^|`|&& |> )(?:sudo )?(?:cat|cd|chmod|chown|cp|df|du|echo|file|fuser|git|head|less|ln|ls|lsof|mkdir|mv|printf|"
    r"python|rm|rmdir|sed|stat|tail|test|touch|unlink)\s[^`]*$"
)
PATHS = re.compile(
    r"(?:^|[._(])(?:cwd|data|directory|file|filename|folder|path|root|script|target|template|where)\b|(?:base|dir)name\("
)
QUOTES = re.compile(r"shell_word\(|\bquote\(|_word\(")
# No command, and a script of package.json
OTHERS = {
    "environment/python/interpreters.py: path",
    "environment/python/interpreters.py: request.file",
    "onboarding/reading/node.py: script",
}


def quoted_names(tree):
    """Names of variables that hold a quoted word."""
    return {
        name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and QUOTES.search(ast.unparse(node.value))
        for target in node.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    }


def unquoted_paths(tree):
    """Yield line and source of each path that stands unquoted in a command of an f-string."""
    known = quoted_names(tree)
    for text in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
        before = ""
        for part in text.values:
            if isinstance(part, ast.Constant):
                before += str(part.value)
                continue
            value = ast.unparse(part.value)
            is_free = PATHS.search(value) and not QUOTES.search(value) and value not in known
            if is_free and COMMANDS.search(before):
                yield part.lineno, value
            before += "x"


def test_each_path_in_a_command_of_advice_is_quoted():
    found = [
        (f"{path.relative_to(PACKAGE)}: {value}", line)
        for path, tree in trees()
        for line, value in unquoted_paths(tree)
    ]
    assert [each for each in found if each[0] not in OTHERS] == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('f"ls -ld {path}"', True),
        ('f"see `mv {self.folder} {x}` for it"', True),
        ('f"cd {os.path.dirname(path)} && ls"', True),
        ('f"ls -ld {shell_word(path)}"', False),
        ('where = shell_word(path)\nf"df -h {where}"', False),
        ('f"the file is {path}"', False),
        ('f"`{path}` is not a file"', False),
    ],
)
def test_an_unquoted_path_in_a_command_would_be_noticed(source, is_found):
    assert is_found == bool(list(unquoted_paths(ast.parse(source))))


# Nouns that messages count; `counted` writes their singular where there is one of them
NOUNS = re.compile(
    r" (?:(?:further|more|other|Python) )?"
    r"(?:bytes|checks|clones|copies|digests|directories|entries|errors|files|folders|generations|hosts|items|lines|"
    r"members|migrations|minutes|objects|others|packages|problems|processes|programs|projects|scripts|services|"
    r"tasks|things|times|values|variables|versions|warnings|words)\b"
)
BY_HAND = re.compile(r"""['"](\w+)['"] if [^{}]+ else ['"]\1e?s['"]|\{\(?['"]e?s['"] if\b|\belse ['"]e?s['"]\)?\}""")
# Never one of them: a limit, a number that was compared with 1 before, or no number
MANY = {
    "app/commands/preparing/export.py: form.kind",
    "app/kits/wheels.py: len(names)",
    "app/logs/printing.py: len(names)",
    "app/recipes/npm_listing.py: origin.name",
    "doctor/checks/surroundings/machine.py: files",
    "app/preparation/project/detect.py: len(clones)",
    "app/preparation/project/missing_variables.py: len(rows)",
    "environment/exec_limits.py: limit",
    "environment/exec_limits.py: limits.total",
    "environment/exec_limits.py: whole",
    "model/edge/complaints.py: len(words)",
    "model/edge/lockfile/diff.py: platform",
    "onboarding/compose_import/server_report.py: service.recipe",
    "onboarding/proposal/composed.py: container.copies",
    "onboarding/proposal/composed_servers.py: container.copies",
    "onboarding/reading/containers/compose_files.py: _MOST_SERVICES",
    "provision/objects/tree.py: len(found)",
    "recipes/checks.py: len(lines)",
    "record.py: len(cls._fields)",
    "sources/build.py: _SECONDS / 60",
    "sources/transfers/http.py: _MOST_REDIRECTS",
    "sources/transfers/transfer_errors.py: tries",
    "supervisor/explain/spawn_errors.py: len(command)",
    "supervisor/explain/spawn_errors.py: size",
    "unpack/destination.py: _HOPS",
    "unpack/destination.py: _LONGEST_TARGET",
    "unpack/limits.py: limits.ratio",
    "unpack/limits.py: self._limits.members",
    "unpack/member_names.py: _DEEPEST",
    "unpack/member_names.py: _LONGEST_COMPONENT",
    "unpack/member_names.py: _LONGEST_PATH",
    "wire/frames.py: size",
}


def uncounted(tree):
    """Yield each number that stands before a plural, so that `1 files` is possible, and each plural made by hand."""
    for text in (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)):
        for value, after in zip(text.values, text.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant) and NOUNS.match(after.value):
                yield ast.unparse(value.value)
        yield from (found[0] for found in BY_HAND.finditer(ast.unparse(text)))


def test_what_may_be_one_is_counted_with_its_singular():
    assert {f"{path.relative_to(PACKAGE)}: {value}" for path, tree in trees() for value in uncounted(tree)} == MANY


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("""f"{count} package{'' if count == 1 else 's'}\"""", True),
        ('f"wrote {len(paths)} files"', True),
        ('f"{number} more lines"', True),
        ("""f"{count} package{'s' if count != 1 else ''}\"""", True),
        ("""f"{count} {'line' if count == 1 else 'lines'}\"""", True),
        ("f\"{counted(count, 'line')} not shown\"", False),
        ('f"{name} runs {command}"', False),
    ],
)
def test_a_plural_that_is_made_by_hand_would_be_noticed(source, is_found):
    assert is_found == bool(list(uncounted(ast.parse(source))))
