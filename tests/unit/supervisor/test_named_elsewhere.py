"""A command that names a package which the project doesn't have."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from devboot.model.process import PROCESS, TASK, ProcessSpec
from devboot.supervisor.explain import process_errors
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.state_machine import End

LINE = "ModuleNotFoundError: No module named 'my_shop'"


def ended(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.ended(*given, **more))


def cannot_load(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.cannot_load(*given, **more))


def helps(tmp_path, command="gunicorn my_shop.wsgi:application", origin="Procfile:2"):
    spec = ProcessSpec("web", PROCESS, str(tmp_path), command, origin=origin)
    return cannot_load(spec, LINE, (LINE,)).help


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/wsgi.py").touch()
    (tmp_path / "carts").mkdir()
    return tmp_path


def test_the_one_package_that_has_the_module_comes_with_a_command_that_mends_the_line(shop):
    (shop / "Procfile").write_text("worker: echo my_shop.wsgi\nweb: gunicorn my_shop.wsgi:application\n")
    command, _, _ = helps(shop)[0].partition(" && devboot up -d")

    subprocess.run(["sh", "-c", command], cwd=shop, check=True)

    assert (shop / "Procfile").read_text() == "worker: echo my_shop.wsgi\nweb: gunicorn shop.wsgi:application\n"


def test_nothing_is_mended_where_several_packages_or_none_have_it(shop):
    (shop / "carts/wsgi.py").touch()
    assert not helps(shop)[0].startswith("sed ")
    shutil.rmtree(shop / "carts")
    shutil.rmtree(shop / "shop")
    assert not helps(shop)[0].startswith("sed ")


@pytest.mark.parametrize("origin", ["", "[processes.web]", "Proc file;x:2"])
def test_what_stands_in_no_plain_file_is_not_mended(shop, origin):
    assert not helps(shop, origin=origin)[0].startswith("sed ")


TRACEBACK = """Traceback (most recent call last):
  File "{root}/shop/settings.py", line 12, in <module>
  File "/usr/lib/python3.13/pathlib.py", line 5, in open
FileNotFoundError: [Errno 2] No such file or directory: '{path}'"""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/app/config/prices.json", "here it is `config/prices.json`: change it in `shop/settings.py:12`"),
        ("/usr/src/app/prices.json", "use a path on this machine in `shop/settings.py:12`"),
    ],
)
def test_a_path_of_an_image_is_named_as_one_with_the_line_that_has_it(tmp_path, path, told):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/prices.json").touch()
    tail = tuple(TRACEBACK.format(root=tmp_path, path=path).splitlines())
    spec = ProcessSpec("web", PROCESS, str(tmp_path), "python shop.py")

    assert ended(spec, End(1), tail).help[0] == f"`{path}` is a path in a container image; {told}"


@pytest.mark.parametrize("path", ["prices.json", "/etc/prices.json", "/application/x", "/home/a/shop/../data/x.csv"])
def test_other_files_that_are_missing_are_not_called_paths_of_an_image(tmp_path, path):
    tail = tuple(TRACEBACK.format(root=tmp_path, path=path).splitlines())
    spec = ProcessSpec("web", PROCESS, str(tmp_path), "python shop.py")

    assert "image" not in ended(spec, End(1), tail).help[0]


@pytest.mark.parametrize(
    ("error", "template", "command"),
    [
        ("{missing}: '/app/config/prices.json'", "config/prices.example.json", "config/prices.json"),
        ("{missing}: '{root}/config/prices.json'", "config/prices.json.dist", "config/prices.json"),
        ("{missing}: 'prices.json'", "sample.prices.json", "prices.json"),
        ("ModuleNotFoundError: No module named 'shop.local_settings'", "shop/local_settings.py.example",
         "shop/local_settings.py"),
        ("ModuleNotFoundError: No module named 'config'", "config_template.py", "config.py"),
    ],
)  # fmt: skip
def test_a_file_that_is_missing_is_copied_from_its_template(tmp_path, error, template, command):
    (tmp_path / template).parent.mkdir(exist_ok=True)
    (tmp_path / template).touch()
    missing = "FileNotFoundError: [Errno 2] No such file or directory"
    spec = ProcessSpec("web", PROCESS, str(tmp_path), "python shop.py")

    helped = ended(spec, End(1), (error.format(missing=missing, root=tmp_path),)).help[0]
    assert helped == f"cp {template} {command} && devboot up -d   # the template of the missing file"
    (tmp_path / template).unlink()
    assert not ended(spec, End(1), (error.format(missing=missing, root=tmp_path),)).help[0].startswith("cp ")


@pytest.mark.parametrize(
    "line",
    [
        "KeyError: 'DISPLAY'",
        "_tkinter.TclError: no display name and no $DISPLAY environment variable",
        "qt.qpa.xcb: could not connect to display",
        'Xlib.error.DisplayConnectionError: Can\'t connect to display ":0"',
    ],
)
def test_a_program_with_windows_is_told_what_shows_them(tmp_path, line):
    tail = ("    _display = Display(os.environ['DISPLAY'])", line)
    helped = ended(ProcessSpec("web", PROCESS, str(tmp_path), "python shop.py"), End(1), tail).help[0]
    assert helped.startswith("it opens windows: ")


def test_a_lock_of_npm_that_does_not_fit_is_answered_with_the_command_that_makes_it_fit(tmp_path):
    spec = ProcessSpec("npm", TASK, str(tmp_path), "npm ci")
    helped = ended(spec, End(1), ("npm error", 'npm error Run "npm help ci" for more info')).help[0]
    assert helped.startswith(f"devboot run -- npm --prefix {tmp_path} install && devboot up -d ")


def test_a_module_of_the_project_is_never_looked_for_in_an_index(tmp_path):
    tail = ("ModuleNotFoundError: No module named 'prices'",)
    spec = ProcessSpec("web", PROCESS, str(tmp_path), "flask run", packages=(str(tmp_path), "requirements.txt"))
    (tmp_path / "requirements.txt").touch()
    unknown = cannot_load(spec, tail[0], tail).help
    assert unknown[0] == "`prices` is neither in this clone nor a package that devboot knows"
    assert "prices >> requirements.txt" in unknown[1]

    (tmp_path / "prices.py").touch()
    assert "PYTHONPATH" in cannot_load(spec, tail[0], tail).help[0]
    (tmp_path / "__init__.py").touch()
    assert "PYTHONPATH" in cannot_load(spec, tail[0], tail).help[0]
    flask = (f"Error: While importing '{tmp_path.name}.app', an ImportError was raised:", *tail)
    assert cannot_load(spec, tail[0], flask).help[0].startswith("mv __init__.py __init__.py.unused && devboot up -d")
