"""Procfiles: what is read, what is refused; honcho agrees where it is right."""

import re
import subprocess
from textwrap import dedent

import pytest
from honcho import environ as honcho
from hypothesis import given, strategies as st

from devboot.errors import Problems
from devboot.model.project_files.procfile import ProcfileLine, parse_procfile
from tests.fakes.rendering import render


def commands(text):
    return {line.name: line.command for line in parse_procfile(text, "Procfile").lines}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: python app.py\n", {"web": "python app.py"}),
        ("web: python app.py", {"web": "python app.py"}),
        ("web:python app.py\n", {"web": "python app.py"}),
        ("web :  python app.py  \n", {"web": "python app.py"}),
        ("\tweb: a\n", {"web": "a"}),
        ("web.blue: a\nweb-2: b\nWEB_3: c\n9: d\n", {"web.blue": "a", "web-2": "b", "WEB_3": "c", "9": "d"}),
        ("# note\n\nweb: a # b\n   # note\n", {"web": "a # b"}),
        ("web: a\r\nworker: b\r\n", {"web": "a", "worker": "b"}),
        ("web: A=b:c exec x && y: z\n", {"web": "A=b:c exec x && y: z"}),
        ("\ufeffweb: a\n", {"web": "a"}),
        ("web: é 漢\n", {"web": "é 漢"}),
        ("web: a\x0cb\u2028c\n", {"web": "a\x0cb\u2028c"}),
    ],
)
def test_lines_are_read(text, expected):
    assert expected == commands(text.encode())


def test_lines_keep_their_order_and_their_number():
    procfile = parse_procfile("# note\nworker: b\n\nweb: a\n", "Procfile")

    assert (ProcfileLine("worker", "b", 2), ProcfileLine("web", "a", 4)) == procfile.lines
    assert ("worker", "web") == procfile.names


def test_the_release_command_is_no_process():
    procfile = parse_procfile("release: ./migrate\nweb: a\n", "Procfile")

    assert (ProcfileLine("release", "./migrate", 1), ("web",)) == (procfile.release, procfile.names)


WORDS = st.text(st.sampled_from("abz09 :#&|=$\"'-./"), min_size=1, max_size=12).filter(lambda text: text.strip())


@given(st.dictionaries(st.text("abcXYZ019_-", min_size=1).filter(lambda name: name[0] != "-"), WORDS, min_size=1))
def test_honcho_reads_the_same(processes):
    text = "".join(f"{name}: {command.strip()}\n" for name, command in processes.items())
    ours = parse_procfile(text, "Procfile")
    release = {} if ours.release is None else {"release": ours.release.command}

    assert dict(honcho.parse_procfile(text).processes) == commands_of(ours) | release


def commands_of(procfile):
    return {line.name: line.command for line in procfile.lines}


@pytest.mark.faults(50, 51)
def test_everything_that_cannot_be_read_is_told_in_one_run():
    text = """\
        web python app.py
        worker: a
        worker: b
        : c
        beat:
        a/b: x
        -f: x
          web server: x
        """
    with pytest.raises(Problems) as raised:
        parse_procfile(dedent(text), "Procfile")

    assert """\
error[procfile/bad-line]: expected `name: command`
  --> Procfile:1:1
   |
 1 | web python app.py
   | ^^^^^^^^^^^^^^^^^ no colon
   |
help: sed -i.bak '1s/web */web: /' Procfile   # `web: python app.py`
help: write `# web python app.py` if it is a comment

error[procfile/duplicate-name]: `worker` is there twice
  --> Procfile:3:1
   |
 3 | worker: b
   | ^^^^^^ first in line 2
   |
help: rename or remove one of the lines

error[procfile/bad-line]: the process has no name
  --> Procfile:4:1
   |
 4 | : c
   | ^ expected a name before it
   |
help: write `web: c`, with a name that fits

error[procfile/bad-line]: `beat` has no command
  --> Procfile:5:5
   |
 5 | beat:
   |     ^ expected a command after it
   |
help: add a command, or remove the line

error[procfile/bad-line]: `a/b` can't be used as a name
  --> Procfile:6:1
   |
 6 | a/b: x
   | ^^^ letters, digits, `_`, `-` and `.`, not `-` or `.` first
   |
help: write `a-b: x`

error[procfile/bad-line]: `-f` can't be used as a name
  --> Procfile:7:1
   |
 7 | -f: x
   | ^^ letters, digits, `_`, `-` and `.`, not `-` or `.` first
   |
help: write `f: x`

error[procfile/bad-line]: `web server` can't be used as a name
  --> Procfile:8:3
   |
 8 |   web server: x
   |   ^^^^^^^^^^ letters, digits, `_`, `-` and `.`, not `-` or `.` first
   |
help: write `web-server: x`

7 problems in Procfile; nothing was started, running processes unchanged
""" == render(raised.value)


@pytest.mark.faults(50)
@pytest.mark.parametrize("text", ["", "\n", "# web: a\n"])
def test_a_procfile_without_a_process_is_refused(text):
    with pytest.raises(Problems) as raised:
        parse_procfile(text, "Procfile")

    assert """\
error[procfile/empty]: no process in it
  --> Procfile
help: a line names a process and its command: `web: python app.py`

1 problem in Procfile; nothing was started, running processes unchanged
""" == render(raised.value)


def test_another_encoding_is_named_with_its_place():
    with pytest.raises(Problems) as raised:
        parse_procfile(b"web: a\nb: h\xc3\xa9\xe9\n", "Procfile")
    place = raised.value.errors[0].place

    assert ("procfile/encoding", 2, 6) == (raised.value.slug, place.line, place.column)


def test_an_escape_in_a_name_is_not_printed():
    with pytest.raises(Problems) as raised:
        parse_procfile("a\x1b[31m: x\n", "Procfile")

    assert "\x1b" not in raised.value.errors[0].what


@pytest.mark.faults(50)
def test_read_leniently_a_command_may_stand_on_the_lines_below_its_name():
    text = "web:\r\nuvicorn\r\nshop:app\r\n--port=80\r\nclock:\n# later\nworker: python work.py\n  -v\n"

    procfile = parse_procfile(text, "Procfile", is_lenient=True)

    assert procfile.lines == (
        ProcfileLine("web", "uvicorn shop:app --port=80", 1),
        ProcfileLine("worker", "python work.py", 7),
    )
    with pytest.raises(Problems):
        parse_procfile(text, "Procfile")


def test_read_leniently_it_says_what_it_leaves_out():
    text = "release: a\n.listen(x)\nworker: b\ngunicorn app\nweb: c\nworker: d\n"

    procfile = parse_procfile(text, "Procfile", is_lenient=True)

    assert [("web", "c"), ("worker", "d")] == [(line.name, line.command) for line in procfile.lines]
    assert (
        "Procfile:2 is ignored: expected `name: command`",
        "Procfile:4 is ignored: expected `name: command`",
        "Procfile:3 is ignored: line 6 defines `worker` again",
    ) == procfile.left_out


@pytest.mark.faults(50)
def test_without_any_process_it_is_refused_even_then():
    with pytest.raises(Problems) as caught:
        parse_procfile("nothing\n", "Procfile", is_lenient=True)

    assert [("procfile/bad-line", 1)] == [(error.slug, error.place.line) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("web gunicorn shop:app", "web: gunicorn shop:app"),
        ("  worker   python jobs.py", "  worker: python jobs.py"),
        ("python bot.py", "web: python bot.py"),
        ("gunicorn shop:app -b :$PORT", "web: gunicorn shop:app -b :$PORT"),
    ],
)
def test_the_advice_for_a_line_without_a_colon_is_a_command_that_corrects_it(tmp_path, line, fixed):
    (tmp_path / "Procfile").write_text(f"# processes\n{line}\n")
    with pytest.raises(Problems) as caught:
        parse_procfile((tmp_path / "Procfile").read_bytes(), "Procfile")
    command = caught.value.errors[0].help[0]

    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "Procfile").read_text() == f"# processes\n{fixed}\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_encoding_of_powershells_redirection_is_read(encoding):
    data = "\ufeffweb: python app.py\r\n".encode(encoding)

    assert [("web", "python app.py")] == [(line.name, line.command) for line in parse_procfile(data, "Procfile").lines]


@pytest.mark.parametrize(
    "line", ["web python app.py", "a/b: x", "-f: x", "web server: x", ": c", "=====", "hello", "\tmy web: a b"]
)
def test_each_advice_about_a_line_is_accepted_when_it_is_pasted(line):
    with pytest.raises(Problems) as raised:
        parse_procfile(line, "Procfile")

    (error,) = raised.value.errors
    pasted = [re.search("`([^`]+)`$|^write `([^`]+)`", advice) for advice in error.help]
    pasted = [match[1] or match[2] for match in pasted]
    assert pasted
    parse_procfile("\n".join(["other: x", *pasted]), "Procfile")
