"""`export`, as a whole command: what is written runs by itself as `up` would run it."""

from __future__ import annotations

import subprocess

import pytest

from tests.fakes.ports import free_ports

pytestmark = pytest.mark.smoke

# What only a shell that is told right makes of the command and the values.
SAYS = """echo "it's $GREETING 100% $SECRET_KEY" && echo on $PORT in "$PWD" """


@pytest.fixture
def shop(machine, tmp_path):
    folder = tmp_path / "plan/shop"
    folder.mkdir(parents=True)
    (folder / "Procfile").write_text(f"web: {SAYS}\nworker: sleep 1000\n")
    (folder / ".env").write_text(f"PORT={free_ports(6, step=100)}\nSECRET_KEY='a$b'\n")
    (folder / "devboot.toml").write_text("[env]\nGREETING = 'a \"b\"'\n[processes.worker]\nready = { log = 'up' }\n")
    return machine(folder)


def test_service_files_run_what_devboot_would_and_only_the_scripts_hold_values(shop):
    said = shop.devboot("export", "systemd", "deploy", "-m", "worker=2").stderr

    port = (shop.root / ".env").read_text().split("\n")[0].removeprefix("PORT=")
    out = subprocess.run([shop.root / "deploy/bin/web.1"], env={}, capture_output=True, text=True, check=True).stdout
    assert f'it\'s a "b" 100% a$b\non {port} in {shop.root}\n' == out
    units = {each.name: each.read_text() for each in (shop.root / "deploy").glob("shop*")}
    assert {"shop-worker-1.service", "shop-worker-2.service"} < units.keys()
    assert not any("a$b" in text for text in units.values())
    assert 0o700 == (shop.root / "deploy/bin/web.1").stat().st_mode & 0o777
    assert "secret values are in deploy/bin, readable only by you: SECRET_KEY\n" in said
    assert "systemd files can't express this, so it is left out: worker: ready\n" in said


def test_a_second_export_changes_what_changed_and_never_an_edited_file(shop):
    shop.devboot("export", "supervisord", "deploy")
    (shop.root / "deploy/shop.conf").write_text("edited\n")

    refused = shop.devboot("export", "supervisord", "deploy", "-x", "worker", code=2).stderr
    assert "error[export/exists]: " in refused
    assert (shop.root / "deploy/bin/worker.1").exists()

    said = shop.devboot("export", "supervisord", "deploy", "-x", "worker", "--force").stderr
    assert "supervisord: wrote 1 file, 2 unchanged, 1 removed in deploy\n" in said
    assert ["edited\n"] == [each.read_text() for each in (shop.root / "deploy").glob("shop.conf.*")]
