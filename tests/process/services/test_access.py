"""The step that sets a password: repeated when it changes, on record while it runs, ended with all that it starts."""

import os
import time

import pytest

from devboot.errors import WorkError
from devboot.services import steps
from devboot.services.access import take_step
from devboot.services.plan import AccessStep


@pytest.fixture
def stepped(toy, tmp_path):
    """A service whose step is this shell script with these words behind it."""

    def make(script, *words, text=""):
        service = toy("")
        os.makedirs(os.path.join(service.data, "access"), exist_ok=True)
        return service._replace(step=AccessStep(("sh", "-c", script, *words), text, "refused", ()))

    return make


def test_a_step_is_repeated_when_its_command_or_its_input_changes(stepped, tmp_path):
    script = f'read line; echo "$0 $line" >> {tmp_path}/done'
    for word, text in [("a", "one\n"), ("a", "one\n"), ("b", "one\n"), ("b", "two\n")]:
        take_step(stepped(script, word, text=text))
    assert (tmp_path / "done").read_text() == "a one\nb one\nb two\n"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_step_that_is_refused_is_reported_with_what_it_wrote(stepped, stream):
    with pytest.raises(WorkError) as caught:
        take_step(stepped(f"echo 'refused: why' >&{stream}"))
    assert (caught.value.slug, caught.value.causes) == ("service/access", ("refused: why",))


def state_of(pid):
    """The kernel's letter for a process' state; "" for none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_nothing_of_a_step_that_takes_too_long_is_left(stepped, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "SECONDS", 3.0)
    with pytest.raises(WorkError):
        take_step(stepped(f"sleep 1000 & echo $! > {tmp_path}/pid; wait"))
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 30
    while state_of(pid) not in ("", "Z"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_step_is_on_record_while_it_runs(stepped, tmp_path):
    held = []

    def lease(group):
        held.append(("runs", os.getpgid(group) == group))
        return lambda: held.append("gone")

    take_step(stepped(f"echo $$ > {tmp_path}/pid"), lease)
    assert held == [("runs", True), "gone"]
