"""Whom root starts a server as, and what it needs to get to its files."""

import pwd

import pytest

from devboot.errors import MachineError
from devboot.services import account as module
from devboot.services.account import Account, account_for, no_account


@pytest.fixture
def closed(tmp_path):
    """A folder of which the one above is open to its owner alone."""
    folder = tmp_path / "closed" / "inside"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    return folder


@pytest.fixture
def capabilities(monkeypatch):
    return lambda mask: monkeypatch.setattr(module, "_capabilities", lambda: mask)


def test_a_person_starts_servers_as_himself():
    assert no_account("postgres", "/data", ()) is None


def test_without_data_it_is_nobody():
    nobody = pwd.getpwnam("nobody")

    assert account_for("postgres", "/no-such-folder", ()) == Account(nobody.pw_uid, nobody.pw_gid)


@pytest.mark.parametrize("mask", [0b100, 0b010, 0b111])
def test_a_closed_folder_is_passed_where_the_system_has_means(closed, capabilities, mask):
    capabilities(mask)

    assert account_for("postgres", "/no-such-folder", [str(closed)]).reaches


def test_without_a_capability_the_folder_is_named(closed, capabilities):
    capabilities(0)
    with pytest.raises(MachineError) as caught:
        account_for("postgres", "/no-such-folder", [str(closed)])

    assert caught.value.slug == "machine/not-reachable"
    assert caught.value.help == (f"chmod o+x {closed.parent.resolve()}",)


def test_an_open_folder_needs_no_capability(capabilities):
    capabilities(0b111)

    assert not account_for("postgres", "/no-such-folder", ["/usr/bin/env"]).reaches
