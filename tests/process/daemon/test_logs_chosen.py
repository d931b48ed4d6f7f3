"""`logs` by time, by pattern, as JSON; followed, and after everything has died."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.fakes.processes import is_alive, wait_until


def test_a_pattern_chooses_lines_of_several_and_wildcards_after_the_daemon_was_killed(project):
    project.spec("web.1", "echo good; echo bad one; exec sleep 1000").spec("web.2", "echo bad two; exec sleep 1000")
    project.spec("worker", "echo bad three; exec sleep 1000").write().devboot("up", "-d")
    lease = project.lease()
    os.kill(lease.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(lease.guardian), "the guardian")

    done = project.devboot("logs", "--grep", "^bad", "--no-prefix", "web*")

    assert sorted(done.stdout.splitlines()) == ["bad one", "bad two"]


@pytest.mark.parametrize("flags", [(), ("--grep", "one"), ("--json",)], ids="-".join)
def test_logs_that_are_followed_end_with_an_error_when_the_daemon_is_killed(project, flags):
    project.spec("web", "echo one; exec sleep 1000").write().devboot("up", "-d")
    child = project.start("logs", "-f", *flags, text=True)
    while "one" not in child.stdout.readline():
        assert child.poll() is None
    os.kill(project.lease().pid, signal.SIGKILL)

    assert child.wait(60) == 1
    assert child.stderr.read().splitlines()[:3] == [
        "error[daemon/gone]: the daemon ended before it answered",
        "cause: it was killed",
        "help: devboot up -d",
    ]


def test_rotated_logs_are_read_and_times_choose(project):
    project.spec("web").write()
    os.makedirs(f"{project.state}/logs")
    with open(f"{project.state}/logs/web.log.1", "w") as older, open(f"{project.state}/logs/web.log", "w") as newer:
        older.write("first\nsecond\n")
        newer.write("third\n")

    assert project.devboot("logs", "--grep", "i", "--no-prefix").stdout == "first\nthird\n"
    none = project.devboot("logs", "--since", "1h", "--grep", "a b")
    assert (none.stdout, none.stderr) == ("", "no line matches --grep 'a b' --since 1h\n")
    assert project.devboot("logs", "-n", "1", "--until", "1h", "--no-prefix").stdout == "third\n"
    assert project.devboot("logs", "--since", "noon", code=2).stderr.startswith("error[usage/argument]: ")


def test_json_lines_have_a_header_then_one_object_a_line_also_when_followed(project):
    project.spec("web", "echo one; while read line; do echo got $line; done").write().devboot("up", "-d")
    child = project.start("logs", "-f", "--json", text=True)

    header, first = json.loads(child.stdout.readline()), json.loads(child.stdout.readline())
    attached = project.terminal("attach", "web")
    attached.expect("attached")
    attached.type("this\r")
    lines = [json.loads(child.stdout.readline()) for _ in range(2)]

    assert (header["schema"], header["project"]) == (1, "shop")
    assert (first["name"], first["text"], list(first)) == ("web", "one", ["at", "name", "text"])
    assert [line["text"] for line in lines] == ["this", "got this"]
    project.devboot("down")
    assert child.wait(60) == 0


def test_a_name_has_the_same_colour_in_each_command(project):
    """The names would all have the same colour if each were alone; `aaa` has only a log left."""
    project.env["FORCE_COLOR"] = "1"
    project.spec("api", "echo one; exec sleep 1000").spec("web", "echo two; exec sleep 1000").write()
    started = project.devboot("up", "-d").stdout
    child = project.start("logs", "-f", text=True)
    followed = {child.stdout.readline() for _ in range(2)}
    with open(f"{project.state}/logs/postgres.log", "w") as left:
        left.write("three\n")

    together, alone = project.devboot("logs").stdout, project.devboot("logs", "web").stdout
    found = project.devboot("logs", "--grep", "two").stdout

    assert "two" not in started
    codes = {line.split("\x1b[")[1].partition("m")[0] for line in together.splitlines()}
    assert len(codes) == 3
    web = next(line for line in together.splitlines() if "two" in line)
    assert alone.splitlines() == [web.replace("web     ", "web")]
    assert found.splitlines() == [web]
    assert web.replace("web     ", "web") + "\n" in followed
    project.devboot("down")
    assert child.wait(60) == 0


def test_logs_need_no_higher_limit_of_open_files_than_the_system_allows(project):
    for number in range(40):
        project.spec(f"web{number}")
    project.write()
    os.makedirs(f"{project.state}/logs")
    for path in (f"{project.state}/logs/web{number}.log{end}" for number in range(40) for end in ("", ".1")):
        for name in (path, f"{path}.index"):
            with open(name, "wb") as log:
                log.write(b"" if name.endswith("index") else b"x\n")

    def limited(limit, *args, code=0):
        argv = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *project.argv("logs", *args)]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=project.root, env=project.env, check=False)
        assert (done.returncode, code) == (code, done.returncode), done.stderr
        return done

    for args in (("-n", "1"), ("-f",), ("--grep", "x"), ("--json",)):
        assert limited("-Sn 64", *args).stdout.count("x") >= 40
        said = limited("-n 64", *args, code=6).stderr
        assert said.splitlines() == [
            "error[machine/no-descriptors]: the logs of 40 processes can't be open at once",
            "cause: too many open files",
            "help: sudo prlimit --pid $$ --nofile=4096:4096",
            "help: devboot logs web0",
        ]
