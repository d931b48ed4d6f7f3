"""Commands and variables that no program can be started with."""

import os
import subprocess
import sys

import pytest

from devboot.environment.exec_limits import ExecLimits, refuse_too_long, this_system
from devboot.errors import Problems
from devboot.model.composed_variable import ComposedVariable
from devboot.model.process import PROCESS, Probe, ProcessSpec

LIMITS = ExecLimits(100, 9_000)
LONG = "é" * 60


def web(**more):
    return ProcessSpec("web", PROCESS, "/shop", **{"command": "sleep 1", "origin": "Procfile:3", **more})


def refusals(variables=(), specs=(), caller=None):
    with pytest.raises(Problems) as caught:
        refuse_too_long(variables, specs, caller or {}, LIMITS)
    return [(each.slug, each.what, each.place and each.place.line) for each in caught.value.errors]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"command": LONG}, "the command of `web` is too long: 121 bytes"),
        ({"argv": ("a", LONG)}, "a word of the command of `web` is too long: 121 bytes"),
        ({"stop_command": LONG}, "the stop command of `web` is too long: 121 bytes"),
        ({"alive": Probe("exec", command=LONG)}, "the command of a probe of `web` is too long: 121 bytes"),
        ({"env": (("A", LONG),)}, "the value of `A` for `web` is too long: 123 bytes"),
    ],
)
def test_a_text_that_is_too_long_is_an_error_at_its_place(more, what):
    assert [("process/too-long", what, 3)] == refusals(specs=[web(**more)])


def test_a_variable_is_named_with_the_file_that_sets_it():
    variables = [ComposedVariable("A", LONG, ".env:7"), ComposedVariable("B", LONG, "services.x")]

    assert [(None, "B"), (7, "A")] == [(line, what[14]) for _, what, line in refusals(variables)]


def test_an_environment_that_is_too_large_as_a_whole_names_its_largest_variable():
    with pytest.raises(Problems) as caught:
        refuse_too_long((), [web(env=(("B", "x"),))], {f"A{n}": "x" * n for n in range(95)}, LIMITS)

    assert ("shorten the largest variable, `A94`",) == caught.value.errors[0].help


def test_what_is_within_the_limits_is_taken():
    refuse_too_long([ComposedVariable("A", "x" * 97, ".env:1")], [web(command="x" * 99)], {"B": "x"}, LIMITS)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a single text")
@pytest.mark.parametrize(("less", "is_taken"), [(2, True), (1, False)])
def test_the_limit_of_one_text_is_the_kernels(less, is_taken):
    text = "x" * (this_system().single - less)
    if is_taken:
        assert 0 == subprocess.run(["true", text], env={"PATH": os.defpath}, check=False).returncode
        assert 0 == subprocess.run(["true", text + "y"], env={"PATH": os.defpath}, check=False).returncode
    else:
        with pytest.raises(OSError, match="too long"):
            subprocess.run(["true", text + "y"], env={"PATH": os.defpath}, check=False)
