"""Command lines, taken apart by the table."""

import re
import shlex

import pytest
from hypothesis import given, strategies as st

from devboot.app import peer_words
from devboot.app.arguments import take_apart
from devboot.app.command_table import BY_NAME, COMMANDS, GLOBAL
from devboot.app.commands.run import unknown_task
from devboot.errors import UsageError

GLOBAL_WORDS = [["-q"], ["--quiet"], ["-v"], ["--plain"], ["--no-color"], ["--no-input"], ["-C", "x"], ["-Cx"]]


@given(words=st.lists(st.sampled_from(GLOBAL_WORDS), max_size=3), data=st.data())
def test_global_flags_work_in_every_position(words, data):
    line = [["logs"], ["-n", "5"], ["web"], ["-f"]]
    expected = take_apart(["logs", "-n", "5", "web", "-f"])
    for word in words:
        line.insert(data.draw(st.integers(0, len(line))), word)
    found = take_apart([word for part in line for word in part])
    assert found._replace(globals={}) == expected
    assert bool(found.globals) == bool(words)


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ("run test -q", ("test", "-q")),
        ("-q run test", ("test",)),
        ("run test -- -k login", ("test", "--", "-k", "login")),
        ("run -- ls --json", ("--", "ls", "--json")),
        ("run -- ls -- x", ("--", "ls", "--", "x")),
        ("stop -- -odd", ("-odd",)),
    ],
)
def test_what_is_for_the_command_that_is_run_stays_as_it_is(line, args):
    assert take_apart(line.split()).args == args


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("logs -n5 -f", {"lines": "5", "follow": True}),
        ("logs -fn5", {"lines": "5", "follow": True}),
        ("logs --lines=5", {"lines": "5"}),
        ("logs -n=5", {"lines": "5"}),
        ("up -dn", {"detach": True, "dry-run": True}),
        ("up --port a=1 --port=b=auto", {"port": ("a=1", "b=auto")}),
        ("up --wait-timeout 1 --wait-timeout 2", {"wait-timeout": "2"}),
    ],
)
def test_flags_take_their_values_in_every_usual_form(line, values):
    assert take_apart(line.split()).values == values


@pytest.mark.parametrize(
    ("line", "folder"), [("-C a up -C b", "a/b"), ("-C a -C /b up", "/b"), ("-C a -C ../b up", "a/../b")]
)
def test_a_second_folder_is_relative_to_the_first(line, folder):
    assert take_apart(line.split()).globals == {"C": folder}


@pytest.mark.parametrize(
    ("line", "slug", "help_"),
    [
        ("statuss", "usage/unknown-command", "did you mean `devboot ps`?"),
        ("status", "usage/unknown-command", "did you mean `devboot ps`?"),
        ("pus", "usage/unknown-command", "did you mean `devboot ps`?"),
        ("restrat", "usage/unknown-command", "did you mean `devboot restart`?"),
        ("exec", "usage/unknown-command", "did you mean `devboot run`?"),
        ("frobnicate", "usage/unknown-command", "`devboot help` lists all commands"),
        ("up --detahc", "usage/unknown-flag", "did you mean `--detach`?"),
        ("up --dry", "usage/unknown-flag", "did you mean `--dry-run`?"),
        ("ps --jsno", "usage/unknown-flag", "did you mean `--json`?"),
        ("--json ps", "usage/unknown-flag", "write it after the command: `devboot ps --json`"),
        ("--qiet", "usage/unknown-flag", "did you mean `--quiet`?"),
        ("logs -n", "usage/missing-value", "write `-n COUNT`: how many lines from the end of each (default 100)"),
        ("ps --json=1", "usage/unexpected-value", "write `--json` alone"),
        (
            "up --wait-timeout soon",
            "usage/argument",
            "write `--wait-timeout 30`: how long -d waits for readiness (default 60, longer for a busy process)",
        ),
        ("logs -n-5", "usage/argument", "write `--lines 100`: how many lines from the end of each (default 100)"),
        ("restart", "usage/argument", "`devboot restart web`: one"),
        ("top", "usage/unknown-command", "did you mean `devboot ps --watch`?"),
        ("tpo", "usage/unknown-command", "did you mean `devboot ps --watch`?"),
        ("quit", "usage/unknown-command", "did you mean `devboot down`?"),
        ("config", "usage/unknown-command", "did you mean `devboot up --dry-run`?"),
        ("pull", "usage/unknown-command", "did you mean `devboot sync`?"),
        ("up --scale web=2", "usage/unknown-flag", "did you mean `devboot up --formation web=2`?"),
        ("up --scale=web=2 worker", "usage/unknown-flag", "did you mean `devboot up --formation web=2`?"),
        ("up -c web=2", "usage/unknown-flag", "did you mean `devboot up --formation web=2`?"),
        ("logs --tail 5", "usage/unknown-flag", "did you mean `devboot logs --lines 5`?"),
        ("logs --tail=5", "usage/unknown-flag", "did you mean `devboot logs --lines 5`?"),
        ("logs -t", "usage/unknown-flag", "did you mean `devboot logs --timestamps`?"),
        ("start -f Procfile", "usage/unknown-flag", "`devboot up -f`: another Procfile"),
        ("start -D", "usage/unknown-flag", "did you mean `devboot up --detach`?"),
        (
            "up --build",
            "usage/unknown-flag",
            "leave it out: `devboot up` installs and restarts whatever has changed",
        ),
        ("ps web", "usage/argument", "`devboot logs web` prints its output"),
        ("down web b*", "usage/argument", "`devboot stop web 'b*'` stops only that"),
        ("sync web", "usage/argument", "`devboot sync`: lock, fetch, build"),
        ("explain a b", "usage/argument", "`devboot explain port/in-use`: the long form of `error[port/in-use]`"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_match_and_runs_nothing(line, slug, help_):
    with pytest.raises(UsageError) as caught:
        take_apart(line.split())
    assert (caught.value.slug, caught.value.help[0], caught.value.exit_code) == (slug, help_, 2)


def test_the_commands_are_those_of_the_design():
    assert " ".join(command.name for command in COMMANDS) == (
        "up down ps logs start stop restart scale attach run env sync lock pack export "
        "generations diff rollback gc state store recipe init import doctor explain completions help"
    )


def test_every_command_has_an_example_and_one_sentence():
    for command in COMMANDS:
        assert command.examples
        assert command.help[0].isupper()
        assert not command.help.endswith(".")
        assert "\n" not in command.help


def test_examples_can_be_taken_apart():
    for command in COMMANDS:
        for example, _ in command.examples:
            words = example.removeprefix('eval "$(').removesuffix(')"').replace("'", "").split(" > ")[0].split()
            assert words[0] == "devboot"
            assert take_apart(words[1:]).command == command.name


STANDARD = {
    "--except": "-x",
    "--formation": "-m",
    "--procfile": "-f",
    "--env-file": "-e",
    "--base-port": "-p",
    "--port-step": "-P",
    "--detach": "-d",
    "--follow": "-f",
    "--dry-run": "-n",
    "--lines": "-n",
    "--output": "-o",
    "--quiet": "-q",
    "--yes": "-y",
    "--verbose": "-v",
    "--all": "-a",
    "--help": "-h",
}


def test_flags_have_their_standard_names():
    for flags in (GLOBAL, *(command.flags for command in COMMANDS)):
        spelled = [name for flag in flags for name in flag.names]
        assert len(spelled) == len(set(spelled))
        for flag in flags:
            short = [name for name in flag.names if not name.startswith("--")]
            assert short in ([], [STANDARD.get(flag.names[-1])], ["-C"])


def test_no_command_takes_a_global_flag_for_itself():
    names = {name for flag in GLOBAL for name in flag.names}
    for command in BY_NAME.values():
        assert not names & {name for flag in command.flags for name in flag.names}


def test_whoever_names_no_task_is_told_which_there_are():
    assert unknown_task("migrat", "migrate", ["seed", "migrate"]) == [
        "did you mean `devboot run migrate`?",
        "the tasks are `migrate`, `seed`",
        "devboot run -- migrat   # a command of that name",
    ]
    assert unknown_task("pytest", None, [])[0] == "a task is a table `[tasks.NAME]` of devboot.toml with `run`"


def test_without_a_name_start_stop_and_restart_name_the_command_for_everything():
    for name, meant in [("start", "`devboot up`"), ("stop", "`devboot down`"), ("restart", "`devboot restart '*'`")]:
        with pytest.raises(UsageError) as caught:
            take_apart([name])
        assert any(advice.startswith(f"{meant} ") for advice in caught.value.help)


@pytest.mark.parametrize("word", sorted(peer_words.COMMANDS))
def test_the_command_that_does_the_same_as_one_of_another_tool_is_accepted(word):
    with pytest.raises(UsageError) as caught:
        take_apart([word])

    _assert_pasteable(caught.value.help[0])


@pytest.mark.parametrize(("command", "flag"), sorted(peer_words.FLAGS))
def test_the_flag_that_does_the_same_as_one_of_another_tool_is_accepted(command, flag):
    typed = command or "ps"
    is_ours = flag in {name for each in BY_NAME[typed].flags for name in each.names}
    with pytest.raises(UsageError) as caught:
        take_apart(["start" if is_ours else typed, flag, "5"])

    _assert_pasteable(caught.value.help[0])


def _assert_pasteable(advice):
    """Each command of devboot in the advice can be parsed."""
    for pasted in re.findall(r"`devboot ([^`]*)`", advice):
        words = shlex.split(pasted)
        take_apart([*words, *(["NAME"] if words in (["run"], ["lock", "--update"]) else [])])
