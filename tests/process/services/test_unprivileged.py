"""What root starts as somebody else: it is that user for good, and gets to its files."""

import os
import subprocess
import sys

import pytest

from devboot.services.account import Account, account_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def run(account, script, *words):
    return subprocess.run(
        [*account.prefix, "/bin/sh", "-c", script, "sh", *words], capture_output=True, text=True, check=False, cwd="/"
    )


@pytest.fixture
def closed(tmp_path):
    """A program's folder below one that is open to root alone."""
    inside = tmp_path / "closed" / "inside"
    inside.mkdir(parents=True)
    (inside / "file").write_text("here")
    inside.parent.chmod(0o700)
    return inside


def test_it_is_another_user_in_every_respect_and_passes_closed_folders(closed):
    account = account_for("toy", str(closed / "data"), [str(closed)])
    ended = run(account, 'id -u; id -ru; id -G; test -r "$1" && cat "$1"', str(closed / "file"))

    assert (ended.returncode, ended.stdout.split()) == (
        0,
        [str(account.uid), str(account.uid), str(account.gid), "here"],
    )
    assert account.uid != 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has capabilities")
def test_without_the_need_it_keeps_nothing(closed):
    stranger = Account(54321, 54321)
    ended = run(stranger, 'grep CapPrm /proc/self/status; cat "$1"', str(closed / "file"))

    assert ended.returncode != 0
    assert ended.stdout.split() == ["CapPrm:", "0" * 16]


def test_the_exit_code_of_what_cannot_be_started_is_told(closed):
    ended = subprocess.run([*Account(54321, 54321).prefix, "/no/such"], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (
        126,
        "can't start `/no/such` as user 54321: No such file or directory\n",
    )
