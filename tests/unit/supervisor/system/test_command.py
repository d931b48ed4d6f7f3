"""Where the shell gets an `exec`, and where a command needs no shell at all."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, strategies

from devboot.supervisor.system.command import launch_of


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("python manage.py runserver 127.0.0.1:8000", ["python", "manage.py", "runserver", "127.0.0.1:8000"]),
        ("  ./bin/web   --port=80 ", ["./bin/web", "--port=80"]),
        ("celery -A shop worker -Q a,b -n w@%h", ["celery", "-A", "shop", "worker", "-Q", "a,b", "-n", "w@%h"]),
    ],
)
def test_plain_words_need_no_shell(command, words):
    launch = launch_of(command)

    assert (list(launch.argv), launch.leads, launch.program) == (words, True, words[0])


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("gunicorn shop.wsgi -b :$PORT", "exec gunicorn shop.wsgi -b :$PORT"),
        ("A=b C='d e' celery worker", "A=b C='d e' exec celery worker"),
        ("cd web && npm run dev", "cd web && exec npm run dev"),
        ("cd web; npm run dev", "cd web; exec npm run dev"),
        ("cd web; npm run dev;", "cd web; exec npm run dev;"),
        ("test -d a && A=1 ./run --x 'a && b'", "test -d a && A=1 exec ./run --x 'a && b'"),
        ("web 2>&1", "exec web 2>&1"),
        ("web > log.txt 2>&1", "exec web > log.txt 2>&1"),
        ('"$VENV/bin/python" app.py', 'exec "$VENV/bin/python" app.py'),
        ("${VENV}/bin/python app.py", "exec ${VENV}/bin/python app.py"),
        ("python -c 'print(1); print(2)'", "exec python -c 'print(1); print(2)'"),
        ('sh -c "a | b"', 'exec sh -c "a | b"'),
        ("web $(cat args; echo x) `more`", "exec web $(cat args; echo x) `more`"),
        ("echo hi && web ${A:-'}'} b", "echo hi && exec web ${A:-'}'} b"),
        (". venv/bin/activate && venv/bin/python app.py", ". venv/bin/activate && exec venv/bin/python app.py"),
        ("env A=b web\\ server", "exec env A=b web\\ server"),
        ("web \\# x", "exec web \\# x"),
    ],
)
def test_the_last_command_gets_an_exec(command, text):
    launch = launch_of(command)

    assert (launch.argv, launch.leads) == (("/bin/sh", "-c", text), True)


@pytest.mark.parametrize(
    "command",
    [
        "a || b",
        "a | b",
        "a & b",
        "a & wait",
        "(cd web; npm start)",
        "{ a; b; }",
        "while true; do a; sleep 1; done",
        "for x in 1 2; do a $x; done",
        "if a; then b; fi",
        "! a",
        "time a",
        "echo hello",
        "cd web",
        "true && echo hello",
        "f() { a; }; f",
        ". nvm.sh && nvm exec node app.js",
        "source venv/bin/activate && python app.py",
        'eval "$(direnv hook)"; web',
        "$COMMAND a b",
        "`which web` a",
        "cat <<END\nweb\nEND",
        "a\nb",
        "web 'unfinished",
        'web "unfinished',
        "web $(unfinished",
        "web # a comment",
        "A=b",
        "> file",
        "2>&1 web",
        "diff <(a) b",
        "",
        "trap 'x' TERM; a & wait",
    ],
)
def test_everything_else_is_left_to_the_shell(command):
    launch = launch_of(command)

    assert (launch.argv, launch.leads) == (("/bin/sh", "-c", command.strip()), False)


def test_a_command_that_says_exec_itself_is_left_as_it_is():
    assert launch_of("cd web && exec npm start").argv == ("/bin/sh", "-c", "cd web && exec npm start")
    assert launch_of("cd web && exec npm start").leads


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("gunicorn -b :$PORT", "gunicorn"),
        ("A=b gunicorn -b :$PORT", "gunicorn"),
        ("PATH=bin:$PATH gunicorn", ""),
        ("cd web && gunicorn", ""),
        ("$X/gunicorn", ""),
        ("gunicorn | cat", ""),
    ],
)
def test_the_program_is_named_only_where_it_is_certain(command, program):
    assert launch_of(command).program == program


PIECES = [
    "printf '%s' x",
    "A=1 printf y",
    "true",
    "false",
    "env printf z",
    "X='a;b' env printf '%s' \"$X\"",
    "cd /",
    "printf '%s' \"$((1+2))\"",
    "printf '%s' $(echo a b)",
    "env printf \\;",
    "env printf '%s' ${NO:-'a b'}",
]


@given(
    strategies.lists(
        strategies.tuples(strategies.sampled_from(PIECES), strategies.sampled_from([" && ", "; ", " || ", " | "])),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_what_is_run_does_not_change(pieces):
    command = "".join(piece + joint for piece, joint in pieces[:-1]) + pieces[-1][0]
    launch = launch_of(command)
    argv = ["env", *launch.argv] if launch.argv[0] != "/bin/sh" else list(launch.argv)

    expected = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    actual = subprocess.run(argv, capture_output=True, check=False)

    assert (expected.returncode, expected.stdout) == (actual.returncode, actual.stdout)
