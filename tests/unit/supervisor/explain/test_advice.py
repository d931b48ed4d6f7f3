"""The daemon sends failures of processes as they are; the command line adds advice and writes the message."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing

import pytest

from devboot.daemon.client import Client, NoAnswerError
from devboot.daemon.clients.connection import Connection
from devboot.daemon.clients.request import View
from devboot.errors import Evidence, UsageError, WorkError
from devboot.model.process import ProcessSpec
from devboot.supervisor.event_loop import Loop
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.explain.process_errors import crash_loop, ended, error_page
from devboot.supervisor.state_machine import End, State
from devboot.wire import frames, sockets
from devboot.wire.frames import frame

TAIL = ("Traceback (most recent call last):", "ModuleNotFoundError: No module named 'cgi'")
ADVICE = 'only Python up to 3.12 has it: set `version = "3.12"` under `[python]` in devboot.toml'
WEB = ProcessSpec("web", "process", "/srv/shop", "flask run")


def shown(error, view, *kinds, keys=False):
    """What a client shows of an error that the daemon sends it: text by stream."""
    theirs, ours = sockets.pair()
    loop = Loop()
    with closing(theirs), closing(ours):
        connection = Connection(loop, ours, lambda *_: None, lambda *_: None)
        for kind in kinds or (frames.ERR,):
            connection.complain(error, view, kind)
        connection.finish(1)
        written = {1: "", 2: ""}

        def write(number, data):
            written[number] += data.decode()

        client = Client(theirs)
        client.applies_by_key = keys
        assert client.copy(write) == 1
        connection.close()
    loop.close()
    return written


@pytest.mark.parametrize(
    "error", [ended(WEB, End(1), TAIL), error_page(WEB, "http://127.0.0.1:5000", "answers 500", TAIL)]
)
def test_a_client_that_advises_shows_the_daemons_message_with_advice_first(error):
    assert not any(ADVICE in text for text in error.help)

    text = shown(error, View(advises=True))[2]

    assert text.count(f"help: {ADVICE}\n") == 1
    assert text.index(ADVICE) < text.index("help: all output: `devboot logs web`")
    assert text.replace(f"help: {ADVICE}\n", "") == shown(error, View())[2]


def test_where_a_key_applies_a_fix_the_advice_names_it():
    error = crash_loop(WEB, State(end=End(1), failures=(1.0, 9.0)), TAIL)

    assert "help: after a fix: the key u, or `devboot up -d`\n" in shown(error, View(advises=True), keys=True)[2]
    assert "help: after a fix: `devboot up -d`\n" in shown(error, View(advises=True))[2]


@pytest.mark.parametrize("advises", [True, False])
def test_commands_in_advice_go_to_the_projects_folder_first(advises):
    helps = ["echo 'SHOP_KEY=…' >> .env", "`devboot up -d` starts it with the value"]
    error = WorkError("process/exited", "web read SHOP_KEY, which has no value", help=helps)
    view = View(advises=advises, folder="the shop")

    assert f"help: cd 'the shop' && {helps[0]}\nhelp: `devboot up -d` starts" in shown(error, view)[2]
    assert json.loads(shown(error, view, frames.OUT)[1])["help"] == [f"cd 'the shop' && {helps[0]}", helps[1]]
    assert f"help: {helps[0]}\n" in shown(error, View(advises=advises))[2]


def test_advice_that_the_command_line_adds_goes_there_too(tmp_path):
    (tmp_path / "list.txt").touch()
    spec = WEB._replace(packages=(str(tmp_path), "list.txt"))
    error = ended(spec, End(1), ("ModuleNotFoundError: No module named 'yaml'",))

    assert "help: cd ../shop && echo pyyaml >> list.txt\n" in shown(error, View(advises=True, folder="../shop"))[2]


def test_as_json_it_has_the_same_advice():
    error = ended(WEB, End(1), TAIL)

    written = shown(error, View(advises=True, json=True), frames.ERR, frames.OUT)
    document, plain = json.loads(written[1]), json.loads(shown(error, View(json=True), frames.OUT)[1])

    assert document["help"] == [ADVICE, *plain["help"]]
    assert {**document, "help": plain["help"]} == plain


def test_colours_and_width_are_those_of_the_client():
    view = View(colour_err=True, terminal=True, columns=44)

    text, plain = (shown(ended(WEB, End(1), TAIL), view._replace(advises=given))[2] for given in (True, False))

    assert plain.splitlines()[0].startswith("\x1b[1;31merror")
    assert set(plain.splitlines()) <= set(text.splitlines())


def test_other_errors_arrive_as_text():
    error = UsageError("usage/unknown-name", "no process `wbe`", help=["did you mean `web`?"])

    assert shown(error, View(advises=True)) == shown(error, View())


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"{}", b'{"evidence": {}}', b'{"evidence": {"x": 1}}', b"\xff"])
def test_a_failure_that_is_none_counts_as_no_answer(payload):
    theirs, ours = sockets.pair()
    with closing(theirs), closing(ours):
        ours.sendall(frame(frames.FAILURE, payload))
        with pytest.raises(NoAnswerError):
            Client(theirs).next()


def test_a_daemon_holds_no_table_of_known_errors():
    script = (
        "import sys, devboot.daemon.process.lifecycle as lifecycle, devboot.daemon.server.server\n"
        "for name in lifecycle._LATER: __import__(name)\n"
        "from devboot.supervisor.explain import process_errors\n"
        "from devboot.model.process import ProcessSpec\n"
        "from devboot.supervisor.state_machine import End\n"
        f"process_errors.ended(ProcessSpec('web', 'process', '/', 'x'), End(1), {TAIL!r})\n"
        "print(*sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    of_clients = {f"devboot.supervisor.explain.{name}" for name in ("advice", "known_errors", "missing_package")}
    assert not {"tomllib", *of_clients} & {*found}


@pytest.mark.parametrize(
    ("files", "cwd", "line", "advice"),
    [
        (
            ["index.html", "base.html"],
            "",
            "jinja2.exceptions.TemplateNotFound: index.html",
            "mkdir templates && cp *.html templates/ && devboot up -d   # where the code looks for them",
        ),
        (
            ["a shop/index.html"],
            "a shop",
            "jinja2.exceptions.TemplateNotFound: index.html",
            "cd 'a shop' && mkdir templates && cp *.html templates/ && devboot up -d   # where the code looks for them",
        ),
        (
            ["html/shop/index.html"],
            "",
            "django.template.exceptions.TemplateDoesNotExist: shop/index.html",
            "`shop/index.html` is in `html/shop`, where the code does not look: only a change of the code can fix that",
        ),
        (
            ["templates/base.html"],
            "",
            "jinja2.exceptions.TemplateNotFound: index.html",
            "`index.html` is a file of the project itself that this clone lacks: only its author can add it",
        ),
    ],
)
def test_a_template_that_is_not_where_the_code_looks_is_named_with_its_place(tmp_path, files, cwd, line, advice):
    for each in files:
        path = tmp_path / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<p>")
    tail = ("Traceback (most recent call last):", line, '127.0.0.1 "GET / HTTP/1.1" 500 -')

    found = advised(WorkError("process/error-page", "web answers 500", evidence=evidence(tmp_path, cwd, tail)))

    assert (advice,) == found.help


def evidence(root, cwd, tail):
    return Evidence(tail, "flask run", str(root / cwd).rstrip("/"), str(root), ())
