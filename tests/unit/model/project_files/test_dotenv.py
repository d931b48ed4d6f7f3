"""Env-files: the whole grammar, what is refused, and that no value is ever shown."""

import pytest
from hypothesis import given, settings, strategies as st

from devboot.errors import Problems
from devboot.model.project_files.dotenv import EnvValue, Note, parse_dotenv, resolve_dotenv
from tests.fakes.rendering import render


def values(text, scope=None):
    return {found.name: found.value for found in resolve_dotenv(parse_dotenv(text, ".env"), scope or {})}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b", "b"),
        ("  A=b  ", "b"),
        ("A\t=\tb", "b"),
        ("export A=b", "b"),
        ("export\tA = b", "b"),
        ("A=b c", "b c"),
        ("A=b=c", "b=c"),
        ("A==b", "=b"),
        ("A=", ""),
        ("A= ", ""),
        ('A=""', ""),
        ("A=''", ""),
        ("A=b # note", "b"),
        ("A=b\t# note", "b"),
        ("A=b#c", "b#c"),
        ("A=#b", "#b"),
        ("A= # note", ""),
        ("A='b # c'", "b # c"),
        ('A="b # c" # note', "b # c"),
        ('A="b"#note', "b"),
        ("A=it's", "it's"),
        ('A=b"c"d', 'b"c"d'),
        ("A=b\\nc", "b\\nc"),
        ("A=b\\", "b\\"),
        ("A='b\\nc'", "b\\nc"),
        ("A='it\\'s'", "it's"),
        ("A='b\\\\c'", "b\\c"),
        ('A="b\\nc\\td"', "b\nc\td"),
        ('A="\\"b\\""', '"b"'),
        ('A="b\\zc"', "b\\zc"),
        ('A="it\'s"', "it's"),
        ("A=redis://:p#w@127.0.0.1:6379/0?x=1&y=2", "redis://:p#w@127.0.0.1:6379/0?x=1&y=2"),
        ("A=a;b", "a;b"),
        ("A=`date`", "`date`"),
        ("A=$1", "$1"),
        ("A=pa$$word$", "pa$$word$"),
        ("A=${open", "${open"),
        ('A="two\nlines"', "two\nlines"),
        ("A='two\n# lines\n'", "two\n# lines\n"),
        ('A="two\r\nlines"', "two\nlines"),
    ],
)
def test_a_value_is_read(line, value):
    assert {"A": value} == values(line)


@pytest.mark.parametrize("name", ["a", "A_1", "A.b", "A-b", "1A", "Ä"])
def test_names_are_taken_as_other_readers_take_them(name):
    assert {name: "x"} == values(f"{name}=x")


def test_a_quoted_name_is_a_name():
    assert {"A B": "x"} == values("'A B'=x")


@pytest.mark.faults(50)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_comments_and_a_byte_order_mark_are_no_values(end):
    text = "\ufeff" + end.join(["# A=0", "", "A=1", "   ", '  # "', "B=2"])

    assert {"A": "1", "B": "2"} == values(text.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("HOST=h\nA=${HOST}:1", "h:1"),
        ('HOST=h\nA="${HOST}:1"', "h:1"),
        ("HOST=h\nA=$HOST:1", "h:1"),
        ("HOST=h\nA='${HOST}$HOST'", "${HOST}$HOST"),
        ('HOST=h\nA="\\${HOST}\\$HOST"', "${HOST}$HOST"),
        ("A=${OUTER}", "outer"),
        ("A=$OUTER", "outer"),
        ("OUTER=mine\nA=${OUTER}", "mine"),
        ("A=${LATER}\nLATER=x", ""),
        ("A=$LATER\nLATER=x", "$LATER"),
        ("A=${NO:-default}", "default"),
        ("A=${NO:-}", ""),
        ("EMPTY=\nA=${EMPTY:-default}", "default"),
        ("EMPTY=\nA=x${EMPTY}y", "xy"),
        ("A=django-insecure-$x7$OUT!", "django-insecure-$x7$OUT!"),
        ("X=1\nA=${X}\nX=2", "1"),
        ("A=1\nA=${A}2", "12"),
    ],
)
def test_references_see_earlier_lines_then_what_is_outside(text, value):
    assert value == values(text, {"OUTER": "outer"})["A"]


@pytest.mark.faults(50)
def test_of_two_lines_with_one_name_the_last_counts_and_the_first_is_noted():
    found = parse_dotenv("A=1\nB=2\nA=3\n", ".env")

    assert (EnvValue("A", "3", 3), EnvValue("B", "2", 2)) == resolve_dotenv(found, {})
    assert (Note("env/duplicate", "`A` is set again in line 3", 1),) == found.notes


def test_a_value_of_several_lines_is_where_it_begins():
    found = parse_dotenv('# note\nKEY="-----BEGIN\nabc=\n-----END"\nB=1\n', ".env")

    assert [("KEY", 2), ("B", 5)] == [(entry.name, entry.line) for entry in found.entries]


@pytest.mark.parametrize("line", ["source venv/bin/activate", ". ./other", "set -a", "export A", "A", "export", "fi"])
def test_a_line_of_a_shell_is_skipped_with_a_note(line):
    found = parse_dotenv(f"{line}\nA=1\n", ".env")

    assert {"A": "1"} == values(f"{line}\nA=1\n")
    assert (Note("env/skipped-line", "a line that sets no variable is skipped", 1),) == found.notes


@pytest.mark.faults(50, 67)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'A=1\nexport KEY = "s3cret\nB=2\n',
            """\
error[env/bad-line]: the quote of `KEY` is never closed
  --> .env:2:14
   |
 2 | export KEY = ***
   |              ^^^ opened by " here
   |
help: write it as NAME=value, or with blanks and special characters as NAME='a value'
""",
        ),
        (
            'KEY="s3cret\nOTHER="s3cret"\n',
            """\
error[env/bad-line]: the quote of `KEY` is never closed
  --> .env:1:5
   |
 1 | KEY=***
   |     ^^^ opened by " here, next one in line 2
   |
help: write it as NAME=value, or with blanks and special characters as NAME='a value'
""",
        ),
        (
            "KEY='s3cret's\n",
            """\
error[env/bad-line]: there is text after the quoted value of `KEY`
  --> .env:1:5
   |
 1 | KEY=***
   |     ^^^ quote all of it
   |
help: write it as NAME=value, or with blanks and special characters as NAME='a value'
""",
        ),
        (
            "\n  KEY: s3cret\n",
            """\
error[env/bad-line]: expected `=` after `KEY`
  --> .env:2:7
   |
 2 |   KEY:***
   |       ^^^ found a colon
   |
help: write `KEY=…`
""",
        ),
        (
            "=s3cret\n",
            """\
error[env/bad-line]: the variable has no name
  --> .env:1:1
   |
 1 | ***
   | ^^^ expected a name before `=`
   |
help: write it as NAME=value, or with blanks and special characters as NAME='a value'
""",
        ),
        (
            "KEY=s3cret\0\n",
            """\
error[env/bad-line]: the value of `KEY` holds a NUL character
  --> .env:1:5
   |
 1 | KEY=***
   |     ^^^ no variable can
   |
help: remove it
""",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_shown_with_its_value_masked(text, expected):
    with pytest.raises(Problems) as raised:
        parse_dotenv(text, ".env")
    (error,) = raised.value.errors

    assert expected == render(error)


@pytest.mark.faults(50)
def test_all_bad_lines_come_in_one_run():
    with pytest.raises(Problems) as raised:
        parse_dotenv("=1\nA=1\nB: 2\n", "app/.env")

    assert [1, 3] == [error.place.line for error in raised.value.errors]
    assert "2 problems in app/.env; nothing was started, running processes unchanged" == raised.value.summary


LINES = st.lists(st.lists(st.sampled_from([*"AB=:'\"\\$#{} \t\x00é", "C4NARY"]), max_size=12).map("".join), max_size=5)


@pytest.mark.faults(67)
@settings(max_examples=500)
@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_whatever_stands_in_a_file_no_value_is_shown(lines, end):
    text = end.join(f"KEY={line}" if "C4NARY" in line else line for line in lines)
    shown = ""
    try:
        found = parse_dotenv(text, ".env")
        resolve_dotenv(found, {})
        shown = "".join(note.text for note in found.notes)
    except Problems as problems:
        shown = render(problems)

    assert "C4NARY" not in shown


def test_another_encoding_is_named_with_its_place():
    with pytest.raises(Problems) as raised:
        parse_dotenv(b"A=1\nB=\xe9\n", ".env")
    (error,) = raised.value.errors

    assert ("env/encoding", "byte 0xe9 is not UTF-8", 2, 3, None) == (
        error.slug,
        error.what,
        error.place.line,
        error.place.column,
        error.place.source,
    )


@pytest.mark.faults(50)
@pytest.mark.parametrize(
    "text",
    [
        "A=xxxxxxxx\n" + "A=${A}${A}\n" * 99,
        "B=" + "x" * 1_000_000 + "\nA=" + "${B}" * 100_000 + "\n",
        "A=" + "x" * 1_000_000 + "\n" + "A=${A}\n" * 20,
    ],
)
def test_values_that_grow_beyond_what_a_program_can_be_given_are_refused_in_time(text):
    with pytest.raises(Problems) as caught:
        resolve_dotenv(parse_dotenv(text, ".env"), {})

    (error,) = caught.value.errors
    assert (error.slug, error.what) == ("env/bad-line", "the value of `A` is longer than a program can be given")
    assert error.place.line > 1
