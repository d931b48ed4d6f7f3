"""The step that sets a password: repeated when it changes, on record while it runs, ended with all that it starts."""

import os

import pytest

from devboot.errors import WorkError
from devboot.services import steps
from devboot.services.access import take_step
from devboot.services.plan import AccessStep
from tests.fakes.processes import AS_LONG_AS_NEEDED, is_alive, wait_until


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


def test_nothing_of_a_step_that_takes_too_long_is_left(stepped, tmp_path, monkeypatch):
    written = tmp_path / "pid"
    for seconds in AS_LONG_AS_NEEDED:
        monkeypatch.setattr(steps, "SECONDS", seconds)
        with pytest.raises(WorkError):
            take_step(stepped(f"sleep 1000 & echo $! > {written}; wait"))
        if written.exists() and written.read_text():
            break

    wait_until(lambda: not is_alive(written.read_text().strip()), "the end of the step's child")


def test_a_step_is_on_record_while_it_runs(stepped, tmp_path):
    held = []

    def lease(group):
        held.append(("runs", os.getpgid(group) == group))
        return lambda: held.append("gone")

    take_step(stepped(f"echo $$ > {tmp_path}/pid"), lease)
    assert held == [("runs", True), "gone"]
