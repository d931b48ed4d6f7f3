"""What is said of a folder without an application."""

import pytest

from devboot.app.preparation.compose.composition import missing_errors
from devboot.app.preparation.project.kind_of_clone import advice_without_manifest
from devboot.app.preparation.project.load import load_project
from devboot.app.preparation.project.unrecognised import is_idle, refuse_idle, warn_of_missing, warn_of_undeclared
from devboot.environment.variables.envfiles import read_env_files
from devboot.errors import ManifestError
from devboot.events import RecordingReporter
from devboot.onboarding import detect, render
from tests.fakes.folders import home_beside

EXAMPLE = "mkdir example && cd example && devboot init --example   # a small project to start from"
PROCFILE = "write the command to run into a file `Procfile`: `web: COMMAND`"


@pytest.mark.parametrize(
    ("name", "causes", "helps"),
    [
        ("program.exe", [], [EXAMPLE]),
        ("notes.txt", ["the clone has only texts, such as `notes.txt`"], [EXAMPLE]),
        ("schema.sql", ["the clone has only SQL scripts, such as `schema.sql`"], [EXAMPLE]),
        ("study.ipynb", ["the clone has only notebooks, such as `study.ipynb`"], [EXAMPLE]),
        (
            "mkdocs.yml",
            ["`mkdocs.yml` shows that this is documentation"],
            ["uvx --from mkdocs mkdocs serve   # shows it"],
        ),
        ("go.mod", ["`go.mod` says that this is Go, but nothing shows which command to run"], [PROCFILE]),
        ("main.cpp", ["`main.cpp` shows that this is C++, which has to be built first"], [PROCFILE]),
        ("turret.ino", ["`turret.ino` shows that this is Arduino code, which has to be built first"], [PROCFILE]),
        (
            "cookiecutter.json",
            ["`cookiecutter.json` shows that this is a template for projects; it runs nothing itself"],
            ["`uvx cookiecutter .`, then `devboot up` in the project that it makes"],
        ),
    ],
)
def test_files_say_what_a_folder_is_instead(tmp_path, name, causes, helps):
    (tmp_path / name).touch()
    assert advice_without_manifest(str(tmp_path)) == (causes, helps)


@pytest.mark.parametrize(
    ("image", "causes"),
    [
        ("acme/api:1", ["`Dockerfile` adds files to the image `acme/api:1`, whose program isn't here"]),
        ("python:3.13", []),
    ],
)  # fmt: skip
def test_a_dockerfile_that_adds_to_another_programs_image_names_it(tmp_path, image, causes):
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.12 AS made\nfrom --platform=linux {image}\nCOPY x.py /app/\n")
    (tmp_path / "x.py").touch()
    assert advice_without_manifest(str(tmp_path)) == (causes, [EXAMPLE])


@pytest.mark.parametrize("name", [".", "gone"])
def test_a_folder_without_files_may_have_the_example(tmp_path, name):
    advice = "`devboot init --example` writes a small project to start from"
    assert advice_without_manifest(str(tmp_path / name)) == ([], [advice])


@pytest.fixture
def shop(tmp_path):
    """A Flask project that runs by detection; `write` gives it a manifest and loads it."""
    (tmp_path / "requirements.txt").write_text("flask\nredis\n")
    code = 'import os\nimport flask\nimport redis\napp = flask.Flask(__name__)\nkey = os.environ["KEY"]\n'
    (tmp_path / "app.py").write_text(code + 'queue = redis.from_url(os.environ["REDIS_URL"])\n')
    environ = home_beside(tmp_path)

    def write(text):
        (tmp_path / "devboot.toml").write_text(text)
        return load_project(str(tmp_path), environ)

    return write


def test_a_manifest_without_processes_does_not_make_the_detected_web_vanish(shop):
    with pytest.raises(ManifestError) as refused:
        refuse_idle(shop("[services.redis]\n[env]\nKEY = 'x'\n"))

    error = refused.value
    assert error.slug == "manifest/nothing-to-run"
    assert error.what == "`devboot.toml` has no processes; without it devboot would start `web`"
    assert "[processes.web]" in error.details
    assert not any(line.startswith(("[services.redis", "KEY")) for line in error.details)
    assert any(line.startswith("REDIS_URL = ") for line in error.details)


def test_the_lines_that_it_is_refused_with_are_what_it_lacks(shop):
    with pytest.raises(ManifestError) as refused:
        refuse_idle(shop("[services.redis]\n"))

    loaded = shop("\n".join(["[services.redis]", *refused.value.details]))
    refuse_idle(loaded)
    assert {"web"} == set(loaded.manifest.processes)


def test_a_manifest_that_lacks_what_ran_by_detection_says_so_once(shop, tmp_path):
    environ = home_beside(tmp_path)
    load_project(str(tmp_path), environ)
    loaded = shop("[services.redis]\n[processes.web]\ncommand = 'flask run'\n")
    reporter = RecordingReporter()
    warn_of_undeclared(loaded, reporter)
    warn_of_undeclared(loaded, reporter)
    (event,) = reporter.events
    assert event.slug == "manifest/less-than-detected"
    assert event.text == "`devboot.toml` lacks what devboot has detected so far; `devboot init --merge` adds it"
    assert any(line.startswith("REDIS_URL = ") for line in event.lines)


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_manifest_that_has_it_all_or_was_there_first_is_not_compared(shop, tmp_path, is_complete):
    environ = home_beside(tmp_path)
    if is_complete:
        load_project(str(tmp_path), environ)
    text = render(detect(tmp_path, environ={})) if is_complete else "[services.redis]\n[processes]\n"
    loaded = shop(text)
    reporter = RecordingReporter()
    warn_of_undeclared(loaded, reporter)
    assert reporter.events == []


@pytest.mark.parametrize("text", ["[services.redis]\n[processes]\n", "[processes.web]\ncommand = 'true'\n"])
def test_a_manifest_that_says_what_runs_is_taken_at_its_word(shop, text):
    refuse_idle(shop(text))


def test_a_manifest_of_a_folder_in_which_nothing_is_detected_may_have_services_alone(tmp_path):
    (tmp_path / "devboot.toml").write_text("[services.redis]\n")
    environ = home_beside(tmp_path)

    refuse_idle(load_project(str(tmp_path), environ))


@pytest.mark.parametrize("folder", ["", "tools & more"])
def test_the_program_of_a_clone_in_which_nothing_keeps_running_is_named_again_from_what_is_kept(tmp_path, folder):
    inner = tmp_path / "shop" / folder
    inner.mkdir(parents=True)
    (inner / "requirements.txt").write_text("requests\n")
    (inner / "main.py").write_text("print(1)\n")
    environ = home_beside(tmp_path / "shop")

    programs = []
    for _ in range(2):
        loaded = load_project(str(tmp_path / "shop"), environ)
        # Whatever the note says: it is for people.
        loaded = loaded._replace(notes=tuple((f"changed: {text}", warns) for text, warns in loaded.notes))
        with pytest.raises(ManifestError) as refused:
            refuse_idle(loaded)
        programs.append(refused.value.help[0])

    assert programs == [f"{loaded.program}   # runs its program"] * 2
    assert "devboot run -- python main.py" in loaded.program


def test_what_the_program_does_is_said_with_its_command(tmp_path):
    (tmp_path / "game.py").write_text("")
    (tmp_path / "main.py").write_text("import pygame\npygame.init()\n")
    environ = home_beside(tmp_path)

    for _ in range(2):  # the second time from what is kept
        with pytest.raises(ManifestError) as refused:
            refuse_idle(load_project(str(tmp_path), environ))
        command = "devboot run -- python main.py   # runs its program, which opens a window"
        assert (refused.value.help[0], "its program opens a window" in refused.value.causes) == (command, True)


def test_applications_of_node_below_a_folder_are_named(tmp_path):
    for name in ("client", "server"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "package.json").write_text("{}")

    causes, helps = advice_without_manifest(str(tmp_path))
    assert causes == ["the application may be in one of these folders: `client`, `server`"]
    assert helps == ["devboot -C client up", "devboot -C server up"]


@pytest.fixture
def idle(tmp_path):
    """A clone with a program that ends by itself, and what nobody has set of what it asks for."""

    def make(code, packages="requests\n"):
        (tmp_path / "requirements.txt").write_text(packages)
        (tmp_path / "main.py").write_text(f"import os\n{code}")
        environ = home_beside(tmp_path)
        loaded = load_project(str(tmp_path), environ)
        files = read_env_files(str(tmp_path), loaded.manifest.env_files.read, environ)
        return loaded, missing_errors(loaded, files, environ)

    return make


@pytest.mark.parametrize(
    ("code", "cause", "details", "command"),
    [
        (
            'print(os.environ["SHOP_TOKEN"])\n',
            "`SHOP_TOKEN` is not set, and its program needs it",
            ("SHOP_TOKEN  read at main.py:2, put it in .env",),
            "echo 'SHOP_TOKEN=…' >> .env",
        ),
        (
            'print(os.environ["SHOP_TOKEN"], os.environ["MAIL_TOKEN"])\n',
            "2 variables are not set, and its program needs them",
            ("SHOP_TOKEN  read at main.py:2", "MAIL_TOKEN  read at main.py:2"),
            "printf '%s\\n' 'SHOP_TOKEN=…' 'MAIL_TOKEN=…' >> .env",
        ),
    ],
)
def test_what_the_program_of_an_idle_clone_asks_for_comes_before_its_command(idle, code, cause, details, command):
    loaded, missing = idle(code)

    with pytest.raises(ManifestError) as refused:
        refuse_idle(loaded, missing)

    error = refused.value
    assert (error.slug, error.exit_code, cause in error.causes) == ("manifest/nothing-to-run", 3, True)
    assert (error.details, error.help[:2]) == (details, (command, f"{loaded.program}   # runs its program"))


def test_other_commands_in_an_idle_clone_are_told_of_it_and_go_on(idle):
    loaded, missing = idle('print(os.environ["SHOP_TOKEN"])\n')
    reporter = RecordingReporter()

    warn_of_missing(missing, reporter)

    (event,) = reporter.events
    assert (is_idle(loaded), event.slug, event.text) == (True, "env/missing", "`SHOP_TOKEN` is not set")
    assert event.lines == ("SHOP_TOKEN  read at main.py:2, put it in .env", "echo 'SHOP_TOKEN=…' >> .env")


def test_servers_of_a_program_that_ends_by_itself_may_be_up_without_it(idle):
    loaded, missing = idle('import redis\nprint(redis.from_url(os.environ["REDIS_URL"]).keys())\n', "redis\n")

    refuse_idle(loaded, missing)

    assert (list(loaded.manifest.services), is_idle(loaded)) == (["redis"], True)


KIT = '[project]\nname = "kit"\nversion = "1"\n[build-system]\nrequires = ["hatchling"]\n'


@pytest.mark.parametrize(
    ("files", "cause", "advice"),
    [
        ({"cookiecutter.json": "{}"}, "`cookiecutter.json` shows that this is a template", "uvx cookiecutter ."),
        (
            {"api/requirements.txt": "x\n", "site/package.json": "{}"},
            "in one of these folders: `api`, `site`",
            "-C api up",
        ),
        ({"mkdocs.yml": "site_name: x\n"}, "`mkdocs.yml` shows that this is documentation", "-- mkdocs serve"),
        (
            {"docs/conf.py": "extensions = []\n", "docs/index.rst": ""},
            "`docs/conf.py` shows that this is documentation",
            "-- sphinx-build docs docs/_build",
        ),
        (
            {"setup.py": "", "mkdocs.yml": "site_name: x\n"},
            "`setup.py` shows that this is a library",
            "-- mkdocs serve",
        ),
        ({"study.ipynb": "{}"}, "`study.ipynb` shows that these are notebooks", "devboot sync"),
        (
            {"cookiecutter.json": "{}", "{{cookiecutter.name}}/app.py": "from flask import Flask\napp = Flask('x')\n"},
            "`cookiecutter.json` shows that this is a template",
            "uvx cookiecutter .",
        ),
        ({"setup.py": "", "tests/test_kit.py": ""}, "`setup.py` shows that this is a library", "-- python -m pytest"),
        (
            {"setup.py": 'setup(name="my-kit")\n'},
            "a library, the package `my-kit`, which others install",
            "devboot init",
        ),
        (
            {"setup.py": "setup()\n", "setup.cfg": "[metadata]\nname = my-kit\n"},
            "a library, the package `my-kit`, which others install",
            "devboot init",
        ),
        (
            {"setup.py": "", "test/test_kit.py": "import unittest\n"},
            "`setup.py` shows that this is a library",
            "-- python -m unittest discover",
        ),
        (
            {"pyproject.toml": KIT},
            "`pyproject.toml` shows that this is a library, the package `kit`, which others install",
            "web: COMMAND",
        ),
        (
            {"pyproject.toml": KIT.replace("[project]", "[tool.poetry]")},
            "`pyproject.toml` shows that this is a library, the package `kit`, which others install",
            "web: COMMAND",
        ),
        (
            {
                "app/main.py": "def add(a, b):\n    return a + b\n",
                "tests/test_main.py": "",
                "requirements.txt": "pytest\n",
            },
            "nothing in the clone starts its functions, except its tests",
            "-- python -m pytest",
        ),
        ({}, "it may be a library or a program", "web: COMMAND"),
    ],
)
def test_a_clone_in_which_nothing_runs_is_called_what_it_is(tmp_path, files, cause, advice):
    for name, text in {"requirements.txt": "requests\n", **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environ = home_beside(tmp_path)

    with pytest.raises(ManifestError) as refused:
        refuse_idle(load_project(str(tmp_path), environ))

    assert any(cause in each for each in refused.value.causes)
    assert any(advice in each for each in refused.value.help)
    assert refused.value.exit_code == 3


def test_a_program_for_the_terminal_is_named_in_the_first_sentence(tmp_path):
    (tmp_path / "requirements.txt").write_text("requests\n")
    (tmp_path / "vault.py").write_text("if __name__ == '__main__':\n    key = input('key: ')\n")

    with pytest.raises(ManifestError) as refused:
        refuse_idle(load_project(str(tmp_path), home_beside(tmp_path)))

    text = "no long-running process found in this clone: its program asks questions at the terminal"
    assert refused.value.what == text
    assert refused.value.help[0].startswith("devboot run -- python vault.py")


def test_servers_that_a_library_connects_to_make_it_no_application(tmp_path):
    library, store = tmp_path / "library", tmp_path / "store"
    for folder, name, text in ((library, "pyproject.toml", KIT), (store, "devboot.toml", "[services.redis]\n")):
        folder.mkdir()
        (folder / name).write_text(text)
    environ = home_beside(library)
    loaded = load_project(str(library), environ)
    services = load_project(str(store), environ).manifest.services
    loaded = loaded._replace(manifest=loaded.manifest.model_copy(update={"services": services}))

    with pytest.raises(ManifestError, match="this is a library"):
        refuse_idle(loaded)


@pytest.mark.parametrize("manifest", ["", "[python]\nrequirements = ['pyproject.toml']\n"])
def test_a_library_is_called_that_and_its_tests_come_first(tmp_path, manifest):
    for name, text in {"pyproject.toml": KIT, "tests/test_kit.py": "import pytest\n", "devboot.toml": manifest}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if text:
            (tmp_path / name).write_text(text)
    environ = home_beside(tmp_path)

    with pytest.raises(ManifestError) as refused:
        refuse_idle(load_project(str(tmp_path), environ))

    error = refused.value
    assert (error.what, error.exit_code) == ("this is a library without a long-running process", 3)
    assert error.help[0] == "devboot run -- python -m pytest   # runs its tests in its environment"


def test_a_written_manifest_by_which_nothing_runs_is_refused_unless_it_says_so(tmp_path):
    (tmp_path / "requirements.txt").write_text("requests\n")
    (tmp_path / "devboot.toml").write_text("[python]\nrequirements = ['requirements.txt']\n")
    environ = home_beside(tmp_path)

    with pytest.raises(ManifestError) as refused:
        refuse_idle(load_project(str(tmp_path), environ))

    assert refused.value.what == "`devboot.toml` has nothing to run"
    (tmp_path / "devboot.toml").write_text("[processes]\n")
    refuse_idle(load_project(str(tmp_path), environ))
