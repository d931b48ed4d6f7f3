"""How variables from several layers become one environment."""

import pytest

from devboot.environment.variables.layers import Layers, Missing, compose, fill_in, is_secret_value, process_variables
from devboot.model.composed_variable import ComposedVariable
from devboot.model.edge.manifest.variables import FromShell, Generated, Required

REDIS = ComposedVariable("REDIS_URL", "redis://127.0.0.1:6379", "services.redis")


def layers(manifest=(), *, inherited=(), exports=(), files=(), names=(), generated=()):
    return Layers(dict(inherited), tuple(exports), tuple(files), dict(manifest), {}, dict(names), dict(generated))


def test_each_layer_beats_the_one_below():
    composed = compose(
        layers(
            {"C": "manifest"},
            inherited={"A": "caller", "B": "caller", "C": "caller"},
            exports=[ComposedVariable("A", "recipe", "services.a"), ComposedVariable("B", "recipe", "services.a")],
            files=[ComposedVariable("B", "file", ".env:1"), ComposedVariable("C", "file", ".env:2")],
        )
    )

    assert {"A": "recipe", "B": "file", "C": "manifest"} == composed.values()
    assert ["services.a", ".env:1", "devboot.toml"] == [v.source for v in composed.variables]


def test_a_later_env_file_beats_an_earlier_one():
    files = [ComposedVariable("A", "1", ".env:1"), ComposedVariable("A", "2", ".env.local:1")]

    assert {"A": "2"} == compose(layers(files=files)).values()


def test_references_reach_services_and_other_variables():
    composed = compose(
        layers(
            {"BROKER": "${services.redis.url}/0", "RESULT": "${BROKER}?x", "HOME_DIR": "${HOME}/x"},
            inherited={"HOME": "/home/me"},
            names={"services.redis.url": "redis://127.0.0.1:1"},
        )
    )

    assert "redis://127.0.0.1:1/0?x" == composed.values()["RESULT"]
    assert "/home/me/x" == composed.values()["HOME_DIR"]
    assert (("HOME", "/home/me"),) == composed.inherited


@pytest.mark.parametrize("value", ["", "…"])  # the latter stands in the commands of messages
def test_a_required_variable_that_nobody_set_is_missing(value):
    wanted = Required(required=True, description="from the console")

    composed = compose(layers({"CLIENT_ID": wanted}, files=[ComposedVariable("CLIENT_ID", value, ".env:1")]))

    assert (Missing("CLIENT_ID", "from the console", ".env:1" if value else ""),) == composed.missing
    assert {} == composed.values()


@pytest.mark.parametrize("layer", ["inherited", "file"])
def test_a_required_variable_may_come_from_the_caller_or_a_file(layer):
    wanted = {"CLIENT_ID": Required(required=True)}
    given = (
        layers(wanted, inherited={"CLIENT_ID": "x"})
        if layer == "inherited"
        else layers(wanted, files=[ComposedVariable("CLIENT_ID", "x", ".env:1", secret=True)])
    )

    composed = compose(given)

    assert () == composed.missing
    assert [("x", True)] == [(v.value, v.secret) for v in composed.variables]


def test_a_generated_value_gives_way_to_a_persons_own():
    wanted = {"KEY": Generated(generate="token")}

    assert {"KEY": "made up"} == compose(layers(wanted, generated={"KEY": "made up"})).values()
    assert {"KEY": "mine"} == compose(layers(wanted, inherited={"KEY": "mine"}, generated={"KEY": "made up"})).values()
    own = [ComposedVariable("KEY", "filed", ".env:3", secret=True)]
    assert {"KEY": "filed"} == compose(layers(wanted, files=own, generated={"KEY": "made up"})).values()


def test_from_shell_lets_the_caller_win_and_has_a_default():
    wanted = {"EDITOR": FromShell.model_validate({"from": "shell", "default": "vi"})}

    composed = compose(layers(wanted))
    assert (("?", "EDITOR", "vi"),) == composed.patch()
    assert (("EDITOR", None),) == composed.inherited

    composed = compose(layers(wanted, inherited={"EDITOR": "emacs"}, files=[ComposedVariable("EDITOR", "x", ".env:1")]))
    assert (("=", "EDITOR", "emacs"),) == composed.patch()


def test_a_value_made_of_a_secret_is_secret():
    composed = compose(
        layers(
            {"PASSWORD": Generated(generate="password"), "URL": "db://me:${PASSWORD}@x"}, generated={"PASSWORD": "p"}
        )
    )

    assert {"PASSWORD": True, "URL": True} == {v.name: v.secret for v in composed.variables}


def test_a_process_has_variables_of_its_own():
    given = layers({"A": "1"}, exports=[REDIS], names={"project.root": "/p"})

    assert {"B": "1/p"} == process_variables({"B": "${A}${project.root}"}, compose(given), given)
    assert "redis://127.0.0.1:6379/2" == fill_in("${REDIS_URL}/2", compose(given), given)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("redis://127.0.0.1:6379/0", False),
        ("http://localhost:8000", False),
        ("redis://:hunter2@127.0.0.1:6379", True),
        ("postgres://db.example.test/x", True),
        ("hunter2", True),
    ],
)
def test_only_loopback_addresses_without_a_password_are_shown(value, secret):
    assert secret == is_secret_value(value)
