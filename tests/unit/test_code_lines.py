"""Files that differ in comments alone have the same code lines, and files with the same code lines mean the same."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given, settings, strategies as st

from devboot.code_lines import ENV, PROCFILE, TOML, code_lines
from devboot.errors import Problems
from devboot.model.project_files.dotenv import parse_dotenv
from devboot.model.project_files.procfile import parse_procfile

PIECES = [
    "a=1",
    "b = ",
    '"x"',
    "'y'",
    '"',
    "'",
    "#",
    "# c",
    "\\",
    "[t]",
    "[",
    "]",
    ",",
    "{",
    "}",
    "\n",
    "\n",
    " ",
    "web: run",
    "web:",
]
PIECES += ['"""', "\t", "\r\n", "export c=", "d=\\n", "\x00"]
LINES = ["# c", "", '   # it\'s "so"', "\t", "#", "# \\"]
MESSY = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@st.composite
def pairs(draw):
    """A text, and the same with lines added and things written behind lines."""
    text = draw(MESSY)
    lines = text.split("\n")
    for _ in range(draw(st.integers(0, 3))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(LINES)))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] += draw(st.sampled_from([" # c", "# '", " ", '#"', ""]))
    return text, "\n".join(lines)


def toml(text):
    try:
        return tomllib.loads(text)
    except ValueError as error:
        return type(error)


def env(text):
    try:
        return [each[:2] for each in parse_dotenv(text, ".env").entries]
    except Problems as problems:
        return [error.slug for error in problems.errors]


def procfile(text, *, is_lenient=False):
    try:
        found = parse_procfile(text, "Procfile", is_lenient=is_lenient)
    except Problems as problems:
        return [error.slug for error in problems.errors]
    return [each[:2] for each in (*found.lines, *([found.release] if found.release else []))]


def lenient_procfile(text):
    return procfile(text, is_lenient=True)


READERS = [(TOML, toml), (ENV, env), (PROCFILE, procfile), (PROCFILE, lenient_procfile)]


@pytest.mark.parametrize(("form", "read"), READERS)
@settings(max_examples=400)
@given(pairs())
@example(('a="""\n"""', 'a="""\n# c\n"""'))
@example(("A='x\n'", "A='x\n# c\n'"))
@example(('A="x \\"\n"', 'A="x \\"\n# c\n"'))
@example(("a=1", "a=1 # \x00"))
@example(("web:\nrun", "web:\n# c\nrun"))
@example(("web:\nrun", " web:\nrun"))
def test_files_with_the_same_code_lines_mean_the_same(form, read, pair):
    one, other = pair
    found = [code_lines(text.encode(), form) for text in pair]

    if found[0] is not None and found[1] is not None and found[0][1] == found[1][1]:
        assert read(one) == read(other)


@pytest.mark.parametrize(
    ("form", "before", "after", "numbers"),
    [
        (TOML, 'a = 1\nb = "#"\n', '# new\n\na = 1\n  b = "#" # why\n', (3, 4)),
        (TOML, "l = [\n1,\n]\n", "l = [ # all\n# one\n1,\n\n]", (1, 3, 5)),
        (TOML, "a = 'it' # it's\r\nb = 2\r\n", "a = 'it' # \"\nb = 2\n", (1, 2)),
        (PROCFILE, "web: echo '#'\nworker: run\n", "# all\nweb: echo '#'\n# one\nworker: run\n", (2, 4)),
        (ENV, 'A="x"\nB=1 # not mine\n', '# "\nA="x"\n\nB=1 # not mine\n', (2, 4)),
    ],
)
def test_comments_and_blank_lines_do_not_count_and_lines_keep_their_numbers(form, before, after, numbers):
    old, new = (code_lines(text.encode(), form) for text in (before, after))

    assert old is not None
    assert new is not None
    assert old[1] == new[1]
    assert new[0] == numbers


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (TOML, b'a = """\n# text\n"""'),
        (TOML, b"a = '''\n# text\n'''"),
        (TOML, b"a = 1 # \xff"),
        (TOML, b"a = 1 # \x07"),
        (TOML, b"a = 1 # \r b"),
        (ENV, b"A='x\n# text\n'"),
        (ENV, b'A="x\\"\n# text\n"'),
        (ENV, b"A=x \\\n# text\n"),
        (ENV, b"\xef\xbb\xbfA=1\n"),
        (ENV, b"# c\n\xef\xbb\xbfA=1\n"),
        (PROCFILE, b"\xef\xbb\xbfa: b\n"),
        (PROCFILE, b"web:\n  run\n"),
        (PROCFILE, "web:\u00a0\n  run\n".encode()),
    ],
)
def test_a_file_in_which_a_comment_may_be_text_has_none(form, text):
    assert code_lines(text, form) is None
