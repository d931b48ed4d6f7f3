"""What is exported: scripts that run a process as devboot would, service files that run the scripts."""

import os
import subprocess

import pytest

from devboot.app.commands.preparing.export import Form, exported, kinds, plain_app, refuse_unusable, script
from devboot.errors import UsageError
from devboot.model.process import PROCESS, SERVICE, ProcessSpec
from devboot.snapshot import DEFAULT, PREPEND, SET, UNSET


def form(folder, kind="systemd"):
    return Form(kind, str(folder), "shop", "ada", "/var/log/shop")


def run(text, tmp_path, **environ):
    path = tmp_path / "script"
    path.write_text(text)
    path.chmod(0o700)
    return subprocess.run(
        [str(path)], env={"PATH": "/usr/bin:/bin", **environ}, capture_output=True, text=True, check=True
    ).stdout


ODD = 'it\'s 100% of "$HOME" \\ `x`\nand more'


def test_a_script_gives_folder_variables_and_command_as_they_are(tmp_path):
    inner = tmp_path / "my app"
    inner.mkdir()
    spec = ProcessSpec("web", PROCESS, str(inner), 'pwd; printf "%s|" "$ODD" "$OWN" "$GIVEN" "${GONE-none}"')
    patch = ((SET, "ODD", ODD), (DEFAULT, "GIVEN", "default"), (UNSET, "GONE", ""))

    text = script("shop", spec._replace(env=(("OWN", "o w n"),)), patch)

    assert f"{inner}\n{ODD}|o w n|default|none|" == run(text, tmp_path, GONE="still here")
    assert f"{inner}\n{ODD}|o w n|given|none|" == run(text, tmp_path, GIVEN="given")


def test_a_script_puts_folders_before_the_path_that_is_there(tmp_path):
    spec = ProcessSpec("web", PROCESS, str(tmp_path), 'echo "$PATH"')

    assert "/venv/bin:/usr/bin:/bin\n" == run(script("shop", spec, ((PREPEND, "PATH", "/venv/bin"),)), tmp_path)


def test_a_script_becomes_its_program_so_that_signals_reach_it():
    web = ProcessSpec("web", PROCESS, "/app", "serve --port $PORT")
    redis = ProcessSpec("redis", SERVICE, "/data", argv=("/store/redis-server", "a b"))

    assert "exec serve --port $PORT\n" == script("shop", web, ()).partition("exit 1\n")[2]
    assert "exec /store/redis-server 'a b'\n" == script("shop", redis, ()).partition("exit 1\n")[2]


def test_a_variable_that_no_shell_can_have_is_left_out():
    assert "odd-name" not in script("shop", ProcessSpec("web", PROCESS, "/", "serve"), ((SET, "odd-name", "1"),))


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("systemd", ["shop-web-1.service", "shop-web.target", "shop-worker-1.service", "shop-worker-2.service"]),
        ("supervisord", ["shop.conf"]),
        ("runit", ["shop-web-1/env/PORT", "shop-web-1/log/run", "shop-web-1/run", "shop-worker-2/run"]),
        ("upstart", ["shop-web-1.conf", "shop-web.conf", "shop.conf"]),
    ],
)
def test_every_format_runs_the_scripts_and_holds_no_value_of_the_project(tmp_path, kind, files):
    specs = [
        ProcessSpec(name, PROCESS, "/app", "serve", env=(("PORT", "5000"), ("PS", name), ("OWN", "hidden-own")))
        for name in ("web", "worker.1", "worker.2")
    ]

    found = {each.path: each for each in exported(form(tmp_path, kind), specs, ((SET, "KEY", "hidden-key"),))}

    assert set(files) <= found.keys()
    served = [each for path, each in found.items() if not path.startswith("bin/")]
    text = "\n".join(each.text for each in served)
    assert all(f"{tmp_path}/bin/{name}" in text for name in ("web.1", "worker.1", "worker.2"))
    assert "hidden" not in text
    assert {0o700} == {each.mode for path, each in found.items() if path.startswith("bin/w")}
    assert "hidden-key" in found["bin/web.1"].text


def test_every_exporter_that_honcho_has_is_there():
    assert {"runit", "supervisord", "systemd", "upstart"} <= set(kinds())


def test_a_format_that_nobody_writes_and_a_folder_that_no_file_can_name_are_refused():
    with pytest.raises(UsageError, match="export/unknown-format"):
        refuse_unusable("sysv", "/srv/shop")
    with pytest.raises(UsageError, match="export/folder"):
        refuse_unusable("systemd", "/srv/my shop")


def test_names_that_come_to_be_the_same_are_refused(tmp_path):
    specs = [ProcessSpec(name, PROCESS, "/app", "serve") for name in ("web.x", "web-x")]

    with pytest.raises(UsageError, match="two processes would both be"):
        exported(form(tmp_path), specs, ())


def test_a_name_of_a_project_becomes_one_of_files():
    assert ["my-shop", "app"] == [plain_app("my shop!"), plain_app("…")]
    assert os.sep not in plain_app("a/b")
