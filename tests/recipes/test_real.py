"""Every bundled recipe as it is: locked, fetched, stored, started, asked, stopped, started again."""

import os
import signal
import socket
import subprocess

import pytest

from devboot.services import plan_service, prepare_data
from devboot.services.account import account_for, no_account
from tests.recipes.running import RECIPES, VERSIONS, Running, ask, free_port, stored


def answer(service, exchange, programs):
    """What comes of one exchange of a recipe's test."""
    if exchange.send:
        return ask(service.spec.port, exchange.send, exchange.expect)
    words = {"bin": programs, **{word: text for word, text in service.exports.items() if word != "data"}}
    ended = subprocess.run(
        ["/bin/sh", "-c", exchange.run],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout or ended.stderr


@pytest.mark.network
@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_recipe_is_provisioned_answers_and_keeps_its_data(name, version, data, tmp_path):
    found = stored(name, version, data)
    recipe = RECIPES.get(name).recipe
    if recipe.service is None:
        return
    service = plan_service(
        recipe,
        name,
        version,
        {},
        port=free_port(),
        ports={f"{name}.{key}": free_port() for key in recipe.service.ports},
        root=str(tmp_path),
        data=str(tmp_path / "data"),
        runtime=data,
        programs=found.bin,
        run_as=account_for if os.geteuid() == 0 else no_account,
    )
    for exchange in filter(None, (recipe.test.ask, recipe.test.kept)):
        assert prepare_data(service) == ()
        with Running(service) as running:
            assert answer(service, exchange, found.bin).startswith(exchange.expect)
        assert running.code in (0, -signal.SIGTERM)

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", service.spec.port))
