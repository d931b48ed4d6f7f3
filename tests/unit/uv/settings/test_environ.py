"""What uv may see of the caller's variables, and pip's configuration in uv's words."""

import os

import pytest

from devboot.uv.settings.environ import provisioning_environ
from devboot.uv.settings.pip_config import pip_as_uv, pip_files


@pytest.mark.faults(107)
def test_what_points_at_another_environment_is_dropped():
    caller = {
        "HOME": "/nowhere",
        "PATH": "/usr/bin",
        "PYTHONHOME": "/x",
        "PYTHONPATH": "/x",
        "VIRTUAL_ENV": "/other/.venv",
        "CONDA_PREFIX": "/conda",
        "CONDA_DEFAULT_ENV": "base",
        "UV_PYTHON": "3.9",
        "UV_PROJECT_ENVIRONMENT": "/other",
        "PYENV_VERSION": "3.8.1",
        "COLUMNS": "80",
        "UV_INDEX": "https://mine.example.test",
        "HTTPS_PROXY": "http://proxy.example.test",
    }

    assert {
        "HOME": "/nowhere",
        "PATH": "/usr/bin",
        "UV_INDEX": "https://mine.example.test",
        "HTTPS_PROXY": "http://proxy.example.test",
        "NO_COLOR": "1",
        "UV_NO_PROGRESS": "1",
        "UV_NO_ENV_FILE": "1",
        "UV_PREVIEW": "0",
        "PYTHONNOUSERSITE": "1",
    } == {
        name: value
        for name, value in provisioning_environ(caller).items()
        if name not in ("SSL_CERT_FILE", "UV_FIND_LINKS")
    }


def test_shims_and_relative_folders_leave_the_path():
    caller = {
        "PATH": "/home/a/.pyenv/shims:.:/usr/local/bin:bin:/opt/asdf/shims:/x/mise/shims/:/usr/bin",
        "ASDF_DATA_DIR": "/opt/asdf",
    }

    assert "/usr/local/bin:/usr/bin" == provisioning_environ(caller)["PATH"]


def test_an_empty_path_becomes_the_systems():
    assert os.defpath == provisioning_environ({"PATH": ""})["PATH"]


def pip(tmp_path, environ, text="", **kwargs):
    path = tmp_path / "pip.conf"
    path.write_text(text)
    return pip_as_uv({"PIP_CONFIG_FILE": str(path), **environ}, uv_is_configured=kwargs.get("configured", False))


def test_pips_variables_are_passed_on(tmp_path):
    found = pip(
        tmp_path,
        {
            "PIP_INDEX_URL": "https://one.example.test/simple",
            "PIP_EXTRA_INDEX_URL": "https://two.example.test\n https://three.example.test",
            "PIP_FIND_LINKS": "/wheels /more",
            "PIP_CERT": "/etc/ca.pem",
            "PIP_PROXY": "http://proxy.example.test:3128",
        },
    )

    assert {
        "UV_DEFAULT_INDEX": "https://one.example.test/simple",
        "UV_INDEX": "https://two.example.test https://three.example.test",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "HTTPS_PROXY": "http://proxy.example.test:3128",
    } == found


def test_pips_files_are_read_and_install_wins_over_global(tmp_path):
    text = "[global]\nindex-url = https://one.example.test\nextra_index_url = https://two.example.test\n"
    text += "[install]\nindex-url = https://three.example.test\n"

    found = pip(tmp_path, {}, text)

    assert ("https://three.example.test", "https://two.example.test") == (found["UV_DEFAULT_INDEX"], found["UV_INDEX"])


def test_what_uv_was_told_is_not_overridden(tmp_path):
    text = "[global]\nindex-url = https://one.example.test\nproxy = http://p.example.test\ncert = /c.pem\n"
    told = {"UV_INDEX": "https://mine.example.test", "ALL_PROXY": "http://q.example.test", "SSL_CERT_FILE": "/d.pem"}

    found = pip(tmp_path, told, text)

    assert {} == {name: value for name, value in found.items() if name != "UV_FIND_LINKS"}


def test_a_uv_toml_that_speaks_of_indexes_keeps_pips_out(tmp_path):
    folder = tmp_path / "config" / "uv"
    folder.mkdir(parents=True)
    (folder / "uv.toml").write_text('[[index]]\nurl = "https://mine.example.test"\n')
    caller = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PIP_INDEX_URL": "https://one.example.test"}

    assert "UV_DEFAULT_INDEX" not in provisioning_environ(caller)


def test_a_damaged_file_of_pip_is_passed_over(tmp_path):
    assert "UV_DEFAULT_INDEX" not in pip(tmp_path, {}, "index-url = no section\n")


def test_pips_own_places_are_looked_at_in_its_order():
    found = list(pip_files({"HOME": "/h", "PIP_CONFIG_FILE": "/mine.conf"}))

    assert ["/etc/pip.conf", "/h/.pip/pip.conf", "/h/.config/pip/pip.conf", "/mine.conf"] == [
        path for path in found if "Library" not in path and "xdg" not in path
    ]
    assert [] == list(pip_files({"HOME": "/h", "PIP_CONFIG_FILE": os.devnull}))
