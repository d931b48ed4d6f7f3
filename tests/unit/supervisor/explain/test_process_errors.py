"""The words for what went wrong."""

from __future__ import annotations

import errno
import subprocess

import pytest

from devboot.model.process import FailureHint, Probe, ProcessSpec
from devboot.paths import SocketFolderError, make_socket_folders
from devboot.supervisor.explain import process_errors
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.explain.import_errors import broken_code, complaint
from devboot.supervisor.explain.spawn_errors import explain
from devboot.supervisor.state_machine import End, State

WORKER = ProcessSpec("worker", "process", ".", "celery -A shop worker", origin="Procfile:2")


def crash_loop(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.crash_loop(*given, **more))


def ended(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.ended(*given, **more))


def cannot_load(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.cannot_load(*given, **more))


def not_ready(*given, **more):
    """The error of a process with the advice that the command line adds."""
    return advised(process_errors.not_ready(*given, **more))


def test_a_crash_loop():
    state = State(end=End(1), failures=(1.0, 9.0, 32.0))
    error = crash_loop(WORKER, state, ("Traceback", "ModuleNotFoundError: No module named 'stripe'"))

    assert (error.slug, error.exit_code) == ("process/crash-loop", 1)
    assert error.what == "worker exited 3 times in 31 s, last with code 1"
    assert error.details == (
        "celery -A shop worker     (Procfile:2)",
        "| Traceback",
        "| ModuleNotFoundError: No module named 'stripe'",
    )
    assert error.help == (
        "`devboot up -d` installs new packages; if none of them provides `stripe`, add the package first",
        "after a fix: `devboot up -d`",
        "all output: `devboot logs worker`",
    )


@pytest.mark.parametrize(
    ("listed", "text", "command", "expected"),
    [
        (("requirements.txt",), "django", r"printf '\n%s\n' pyyaml >> requirements.txt", "django\npyyaml\n"),
        (("my list/dev.txt",), "django\n", "echo pyyaml >> 'my list/dev.txt'", "django\npyyaml\n"),
        (("", "django", "redis>=5"), None, r"printf '%s\n' django 'redis>=5' pyyaml > requirements.txt", None),
        (("uv.lock",), None, "uv add pyyaml", None),
        (("api/poetry.lock",), None, "cd api && poetry add pyyaml", None),
        (("Pipfile",), None, "pipenv install pyyaml", None),
    ],
)
def test_a_module_of_a_known_package_comes_with_the_command_that_adds_it(tmp_path, listed, text, command, expected):
    if text is not None:
        (tmp_path / listed[0]).parent.mkdir(exist_ok=True)
        (tmp_path / listed[0]).write_text(text)
    spec = WORKER._replace(packages=(str(tmp_path), *listed))

    helps = ended(spec, End(1), ("ModuleNotFoundError: No module named 'yaml'",)).help

    assert (command, "`devboot up -d` installs new packages") == helps[:2]
    if expected is not None:
        subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)
        assert expected == (tmp_path / listed[0]).read_text()


def test_a_module_of_no_known_package_is_named_before_the_command_that_would_add_it(tmp_path):
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(packages=(str(tmp_path), "requirements.txt"))

    helps = ended(spec, End(1), ("ModuleNotFoundError: No module named 'surely_nobodys'",)).help

    assert helps[:2] == (
        "`surely_nobodys` is neither in this clone nor a package that devboot knows",
        "echo surely_nobodys >> requirements.txt   # if the package is called like the module",
    )


@pytest.mark.parametrize("name", ["app", "core", "utils"])
def test_no_strangers_package_is_advised_for_a_module_of_the_projects_own(tmp_path, name):
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(packages=(str(tmp_path), "requirements.txt"))

    helps = ended(spec, End(1), (f"ModuleNotFoundError: No module named '{name}'",)).help

    assert helps[0] == f"`{name}` is a module of the project itself that this clone lacks: only its code can bring it"
    assert not any(">> requirements.txt" in each for each in helps)


@pytest.mark.parametrize("file", ["app/tills.py", "app/tills/__init__.py", "a b/app/tills.py"])
def test_a_module_in_an_inner_folder_is_led_there(tmp_path, file):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()
    spec = WORKER._replace(packages=(str(tmp_path), ""), cwd=str(tmp_path), env_files=(str(tmp_path), ".env"))

    (command, *_) = ended(spec, End(1), ("ModuleNotFoundError: No module named 'tills'",)).help
    subprocess.run(["/bin/sh", "-c", command.partition(" && ")[0]], cwd=tmp_path, check=True)

    folder = "a b/app" if " " in file else "app"
    assert (tmp_path / ".env").read_text() == f"PYTHONPATH={folder}\n"


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ("urls.py", "from menus.views import today"),
        ("urls.py", "from menus import views"),
        ("urls.py", "import menus.models"),
        (".venv/lib/python3.13/site-packages/django/apps/config.py", "module = import_module(entry)"),
    ],
)
def test_no_strangers_package_is_advised_for_an_app_of_django_that_the_clone_lacks(tmp_path, frame, text):
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(
        packages=(str(tmp_path), "requirements.txt"), cwd=str(tmp_path), env_files=(str(tmp_path), ".env")
    )
    tail = traceback(tmp_path, frame, 9, text, "ModuleNotFoundError: No module named 'menus'")

    helps = ended(spec, End(1), tail).help

    assert helps[0] == "`menus` is a module of the project itself that this clone lacks: only its code can bring it"
    assert not any(">> requirements.txt" in each for each in helps)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("ImportError: dotenv isn't installed, run `pip install settings[dotenv]`", "'settings[dotenv]'"),
        ("RuntimeError: Form data requires it. Install it with: pip install python-multipart", "python-multipart"),
        ("some.errors.MissingError: pip3 install -U 'gear'", ""),  # no exception of Python's own, cut in the middle
        ("you may want to pip install faster-gear", ""),
    ],
)
def test_a_package_that_an_exception_asks_for_by_pip_comes_with_the_command_that_adds_it(tmp_path, line, package):
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(packages=(str(tmp_path), "requirements.txt"))

    helps = ended(spec, End(1), ("Traceback (most recent call last):", line)).help

    assert [each for each in helps if each.startswith("echo ")] == (
        [f"echo {package} >> requirements.txt"] if package else []
    )


def test_a_command_of_pip_in_a_line_of_its_own_below_an_exception_counts_as_well(tmp_path):
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(packages=(str(tmp_path), "requirements.txt"))
    lines = (
        'RuntimeError: Form data requires "python-multipart" to be installed.',
        "",
        "pip install python-multipart",
        "",
    )

    assert ended(spec, End(1), lines).help[0] == "echo python-multipart >> requirements.txt"
    assert not ended(spec, End(1), (*lines, "and more")).help[0].startswith("echo")


@pytest.mark.parametrize(
    ("procfile", "line", "expected"),
    [
        ("web: node Shop_bot -q\n", "Error: Cannot find module '{root}/Shop_bot'", "web: node Shop_Bot.js -q\n"),
        ("# a\nweb: python jobs/mian.py\n", "python: can't open file '{root}/jobs/mian.py': [Errno 2] No such file",
         "# a\nweb: python jobs/main.py\n"),
    ],
)  # fmt: skip
def test_a_misspelt_script_in_a_procfile_comes_with_the_command_that_corrects_it(tmp_path, procfile, line, expected):
    (tmp_path / "Procfile").write_text(procfile)
    (tmp_path / "jobs").mkdir()
    for name in ("Shop_Bot.js", "jobs/main.py"):
        (tmp_path / name).touch()
    number = procfile.count("\n")
    command = procfile.splitlines()[-1].removeprefix("web: ")
    spec = WORKER._replace(cwd=str(tmp_path), command=command, origin=f"Procfile:{number}")

    (first, *_) = cannot_load(spec, line.replace("{root}", str(tmp_path)), ()).help
    assert first.endswith(" is there")
    subprocess.run(["/bin/sh", "-c", first.partition(" && ")[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "Procfile").read_text() == expected


@pytest.mark.parametrize(
    "said",
    [
        "Error: No such option: --worker Did you mean --workers?",
        "Error: no such option '--worker'. Did you mean '--workers'?",
    ],
)
def test_a_misspelt_option_in_a_procfile_comes_with_the_command_that_corrects_it(tmp_path, said):
    (tmp_path / "Procfile").write_text("web: uvicorn shop:app --worker 2 --workers-log x\n")
    spec = WORKER._replace(
        cwd=str(tmp_path), command="uvicorn shop:app --worker 2 --workers-log x", packages=(str(tmp_path), "a.txt"),
        env_files=(str(tmp_path),), origin="Procfile:1",
    )  # fmt: skip

    (first, *_) = ended(spec, End(2), ("Usage: uvicorn", said)).help
    assert first.endswith(" Procfile && devboot up -d")
    subprocess.run(["/bin/sh", "-c", first.partition(" && ")[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "Procfile").read_text() == "web: uvicorn shop:app --workers 2 --workers-log x\n"


def traceback(root, file, number, text, error):
    return (
        f'  File "{root}/.venv/lib/python3.13/site-packages/uvicorn/importer.py", line 19, in import_from_string',
        "    module = importlib.import_module(module_str)",
        f'  File "{root}/{file}", line {number}, in <module>',
        f"    {text}",
        error,
    )


def test_a_misspelt_module_of_a_package_comes_with_the_command_that_corrects_the_import(tmp_path):
    inner = tmp_path / ".venv/lib/python3.13/site-packages/gear/security"
    inner.mkdir(parents=True)
    for name in ("__init__.py", "oauth2.py", "base.py"):
        (inner / name).touch()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/auth.py").write_text("import os\nfrom gear.security.auth2 import Form\n")
    spec = WORKER._replace(cwd=str(tmp_path), env_files=(str(tmp_path), ".env"))
    tail = traceback(
        tmp_path, "shop/auth.py", 2, "from gear.security.auth2 import Form",
        "ModuleNotFoundError: No module named 'gear.security.auth2'",
    )  # fmt: skip

    (first, *_) = cannot_load(spec, tail[-1], tail).help
    assert first.endswith("shop/auth.py && devboot up -d   # `gear.security.oauth2` exists")
    subprocess.run(["/bin/sh", "-c", first.partition(" && ")[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "shop/auth.py").read_text() == "import os\nfrom gear.security.oauth2 import Form\n"


@pytest.mark.parametrize("file", ["settings.py", "shop/settings.py", "shop/settings/base.py"])
@pytest.mark.parametrize("line", ["SECRET_KEY = ''", 'SECRET_KEY=""  # removed'])
def test_a_secret_that_the_code_has_empty_comes_with_the_command_that_fills_it(tmp_path, file, line):
    (tmp_path / "api" / file).parent.mkdir(parents=True)
    (tmp_path / "api" / file).write_text(f"import os\n{line}\nDEBUG = True\n")
    spec = WORKER._replace(cwd=str(tmp_path / "api"), env_files=(str(tmp_path), ".env"))
    said = "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."

    (first, *_) = ended(spec, End(1), ("Traceback", said)).help
    assert first.endswith(" && devboot up -d   # the code has it empty")
    subprocess.run(["/bin/sh", "-c", first.partition(" && ")[0]], cwd=tmp_path, check=True)
    assert (tmp_path / "api" / file).read_text() == (
        "import os\nSECRET_KEY = 'only-for-development-on-this-machine'\nDEBUG = True\n"
    )


@pytest.mark.parametrize(("module", "is_own"), [("tutorial", True), ("tuto", False)])
@pytest.mark.parametrize(
    "line", ["setdefault('DJANGO_SETTINGS_MODULE', '{}')", 'environ["DJANGO_SETTINGS_MODULE"] = "{}"']
)
def test_the_package_of_the_settings_in_manage_py_is_the_projects_own(tmp_path, module, is_own, line):
    (tmp_path / "manage.py").write_text(f"import os\nos.{line.format('tutorial.settings')}\n")
    (tmp_path / "requirements.txt").touch()
    spec = WORKER._replace(
        cwd=str(tmp_path), packages=(str(tmp_path), "requirements.txt"), command="python manage.py x"
    )

    (first, *_) = ended(spec, End(1), ("Traceback", f"ModuleNotFoundError: No module named '{module}'")).help
    own = f"`{module}` is a module of the project itself that this clone lacks: only its code can bring it"
    assert (first == own) == is_own


@pytest.mark.parametrize(
    "line", ["Error: Cannot find module '{}'", "python: can't open file '{}': [Errno 2] No such file or directory"]
)
def test_a_script_that_is_nowhere_near_is_said_to_be_lacking(tmp_path, line):
    path = str(tmp_path / "bot" / "start.py")
    spec = WORKER._replace(cwd=str(tmp_path), command="run bot/start.py")

    error = cannot_load(spec, line.format(path), ())
    lacks = f"`{path}` is a file of the project itself that this clone lacks: only its author can add it"
    assert lacks in (*error.help, *error.causes)
    assert lacks not in cannot_load(spec, line.format(tmp_path / "dist" / "start.js"), ()).help


def test_a_secret_that_comes_from_elsewhere_is_left_alone(tmp_path):
    (tmp_path / "settings.py").write_text('import os\nSECRET_KEY = os.environ.get("KEY", "")\n')
    spec = WORKER._replace(cwd=str(tmp_path), env_files=(str(tmp_path), ".env"))

    helps = ended(spec, End(1), ("ImproperlyConfigured: The SECRET_KEY setting must not be empty.",)).help
    assert not any("sed" in line for line in helps)


def test_an_import_by_name_has_no_line_that_could_be_corrected(tmp_path):
    packages = tmp_path / ".venv/lib/python3.13/site-packages"
    (packages / "gear").mkdir(parents=True)
    (packages / "gear/oauth2.py").touch()
    spec = WORKER._replace(cwd=str(tmp_path), env_files=(str(tmp_path), ".env"))
    tail = (
        "Traceback (most recent call last):",
        f'  File "{packages}/frame/apps.py", line 7, in load',
        "    import_module(entry)",
        '  File "<frozen importlib._bootstrap>", line 1324, in _find_and_load_unlocked',
        "ModuleNotFoundError: No module named 'gear.auth2'",
    )

    assert not any("sed " in text for text in cannot_load(spec, tail[-1], tail).help)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_relative_import_of_what_the_clone_lacks_is_named(tmp_path, is_there):
    (tmp_path / "main.py").write_text("from .api.pages import home\n")
    if is_there:
        (tmp_path / "api/pages").mkdir(parents=True)
    spec = WORKER._replace(cwd=str(tmp_path), env_files=(str(tmp_path), ".env"))
    error = "ImportError: attempted relative import with no known parent package"
    tail = traceback(tmp_path, "main.py", 1, "from .api.pages import home", error)

    said = "`api/pages` is a module of the project itself that this clone lacks: only its code can bring it"
    assert (said in cannot_load(spec, tail[-1], tail).help) is not is_there


@pytest.mark.parametrize(
    ("command", "stamp"),
    [
        ("alembic upgrade head", "alembic stamp head"),
        ("python -m alembic -c db/alembic.ini upgrade heads", "python -m alembic -c db/alembic.ini stamp head"),
        ("flask --app shop db upgrade", "flask --app shop db stamp head"),
        ("python manage.py migrate", ""),
    ],
)
def test_migrations_that_meet_their_tables_come_with_the_command_that_marks_them_as_applied(command, stamp):
    spec = WORKER._replace(kind="task", name="migrate", command=command)
    lines = (
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) table alerts already exists",
        "[SQL: CREATE TABLE alerts (id INTEGER)]",
        "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
    )

    error = ended(spec, End(1), lines)
    assert error.what.startswith(
        "migrate failed: sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) table alerts"
    )
    remark = "   # if the tables, as `alerts`, are complete"
    assert not stamp or error.help[0] == f"devboot run -- {stamp} && devboot up -d{remark}"


def test_python_without_tk_comes_with_the_package_that_brings_it():
    line = "ImportError: No module named 'tkinter', please install the python3-tk package"

    assert "sudo apt-get install python3-tk   # Debian, Ubuntu" in cannot_load(WORKER, line, (line,)).help


@pytest.mark.parametrize(("command", "is_shown"), [("python job.py --all", True), ("python job.py > $LOG", False)])
def test_a_process_that_ends_by_itself_comes_with_the_command_that_runs_it_by_hand(command, is_shown):
    error = process_errors.parted(WORKER._replace(command=command), End(0), 0.4, (), was_up=False)

    assert (f"devboot run -- {command}   # runs it by hand, if it does one thing and ends" in error.help) == is_shown


def test_nothing_is_appended_to_a_list_in_utf_16_or_one_that_is_gone(tmp_path):
    (tmp_path / "requirements.txt").write_text("django\n", encoding="utf-16")
    for name in ("requirements.txt", "gone.txt"):
        spec = WORKER._replace(packages=(str(tmp_path), name))
        helps = ended(spec, End(1), ("ModuleNotFoundError: No module named 'yaml'",)).help
        assert helps[0].startswith("`devboot up -d` installs new packages; if none of them provides `yaml`")


def test_a_module_that_lies_beside_the_one_that_imports_it_is_no_missing_package(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "settings.py").touch()
    spec = ProcessSpec("web", "process", str(tmp_path), "gunicorn shop:app")
    tail = (
        f'  File "{tmp_path}/shop/__init__.py", line 2, in <module>',
        "    from settings import DATABASE",
        "ModuleNotFoundError: No module named 'settings'",
    )
    assert cannot_load(spec, tail[-1], tail).help[:2] == (
        "`settings` exists in `shop/`, where Python 3 does not look: write `from .settings import …`",
        'or add that folder to its path: `PYTHONPATH = "shop"` under `[env]` in devboot.toml',
    )


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("/app/shop/models.py", True),
        ("/app/.venv/lib/python3.13/site-packages/shop/models.py", False),
        ("/x.py", False),
    ],
)
def test_a_name_that_a_module_of_the_project_lacks_is_said_to_be_its_own_fault(path, is_own):
    spec = WORKER._replace(cwd="/app", env_files=("/app", ".env"))
    line = f"ImportError: cannot import name 'Order' from 'shop.models' ({path})"

    causes = cannot_load(spec, line, (line,)).causes

    assert ("`shop/models.py` does not define `Order`: only a change of the code can fix that" in causes) == is_own


def test_code_of_pydantic_1_is_named_as_such():
    said = "pydantic.errors.PydanticImportError: `BaseSettings` has been moved to the `pydantic-settings` package."
    tail = ("    raise PydanticImportError(", said, "", "For further information visit https://errors.example.test")

    assert broken_code(tail) == said
    error = cannot_load(WORKER, said, tail)
    assert error.help[0] == "the code is written for pydantic 1: require `pydantic<2`, then `devboot up -d`"


def test_a_library_that_only_sqlalchemy_asks_for_may_be_another_than_the_project_has():
    tail = (
        '  File "/app/.venv/lib/python3.13/site-packages/sqlalchemy/dialects/postgresql/psycopg.py", line 497, in f',
        "    import psycopg",
        "ModuleNotFoundError: No module named 'psycopg'",
    )

    assert ended(WORKER, End(1), tail).help == (
        "to use psycopg2, write the address as `postgresql+psycopg2://…`: SQLAlchemy 2.1 uses psycopg by default",
        "else add `psycopg[binary]` to the packages, then `devboot up -d`",
        "all output: `devboot logs worker`",
    )
    assert ended(WORKER, End(1), tail[1:]).help[0].startswith("`devboot up -d` installs new packages")


def test_a_folder_for_a_log_that_is_missing_is_named():
    last = "ValueError: Unable to configure handler 'file'"
    missing = "FileNotFoundError: [Errno 2] No such file or directory: '/app/logs/error.log'"
    rest = "all output: `devboot logs worker`"

    assert ended(WORKER, End(1), (missing, last)).help == (
        "mkdir -p '/app/logs'   # for the log that the code writes there",
        rest,
    )
    assert ended(WORKER, End(1), (last,)).help == (
        "the folder of a log file may be missing: the full output names it, `mkdir -p` creates it",
        rest,
    )


def test_a_module_that_left_setuptools_is_brought_by_an_older_one(tmp_path):
    (tmp_path / "requirements.txt").write_text("flask\n")
    spec = WORKER._replace(packages=(str(tmp_path), "requirements.txt"))
    error = ended(spec, End(1), ("ModuleNotFoundError: No module named 'pkg_resources'",))
    command, remark = error.help[0].split("   # ")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)

    assert (tmp_path / "requirements.txt").read_text() == "flask\nsetuptools<81\n"
    assert remark == "setuptools 82 no longer has pkg_resources"


def test_a_module_that_left_setuptools_is_no_package_to_add():
    error = ended(WORKER, End(1), ("ModuleNotFoundError: No module named 'pkg_resources'",))

    assert error.help[0] == "setuptools 82 no longer has it: require `setuptools<82`, then `devboot up -d`"


@pytest.mark.parametrize(
    ("line", "helps"),
    [
        (
            'django.core.exceptions.ImproperlyConfigured: Could not find the GDAL library (tried "gdal").',
            ("sudo apt-get install gdal-bin   # Debian, Ubuntu", "brew install gdal   # macOS"),
        ),
        (
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            ("sudo apt-get install libgl1   # Debian, Ubuntu",),
        ),
        ("OSError: cannot load library 'libshop': it is not there", ()),
        (
            'psycopg.errors.FeatureNotSupported: extension "pgcrypto" is not available',
            ("this build of PostgreSQL lacks it: `devboot explain service/no-extension` lists builds that have it",),
        ),
    ],
)
def test_a_library_of_the_system_that_a_program_looks_for_is_named_with_what_brings_it(line, helps):
    assert ended(WORKER, End(1), ("Traceback", line)).help == (*helps, "all output: `devboot logs worker`")


def test_a_module_that_is_missing_in_a_package_is_nothing_to_install():
    error = ended(WORKER, End(1), ("ModuleNotFoundError: No module named 'shop.taks'",))

    assert error.help == ("all output: `devboot logs worker`",)


def test_what_the_recipe_knows_replaces_the_general_words():
    hint = FailureHint(
        "Can't handle RDB format version", "redis/data-too-new", "the data is newer than redis", "lock it"
    )
    error = ended(WORKER._replace(failure_hints=(hint,)), End(1), ("# Can't handle RDB format version 12",))

    assert (error.slug, error.causes, error.help[0]) == (
        "redis/data-too-new",
        ("the data is newer than redis",),
        "lock it",
    )


def test_what_cannot_heal_by_itself_says_so():
    hint = FailureHint("Can't handle RDB", "redis/data-too-new", "the data is newer than redis", "lock it")
    redis = ProcessSpec("redis", "service", ".", argv=("redis-server",), data="/data", failure_hints=(hint,))
    tail = ("# Can't handle RDB format version 12",)

    error = process_errors.hopeless(redis, tail)

    assert ("redis/data-too-new", "the data is newer than redis") == (error.slug, error.what)
    assert ("lock it", "after a fix: `devboot up -d`") == error.help
    assert ("it is not restarted, because it would fail in the same way again",) == error.causes
    assert ("its data is in /data",) == error.kept
    assert process_errors.hopeless(redis, ("something else",)) is None
    assert process_errors.hopeless(redis._replace(failure_hints=(hint._replace(passes=True),)), tail) is None


@pytest.mark.faults(97)
def test_a_kill_that_nobody_asked_for_is_probably_for_memory():
    assert ended(WORKER, End(None, 9), ()).what == "worker failed, killed by SIGKILL, probably out of memory"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (End(0), "exit 0"),
        (End(78), "exit 78"),
        (End(None, 11), "killed by SIGSEGV"),
        (End(None, 99), "killed by signal 99"),
    ],
)
def test_how_it_ended(end, words):
    assert process_errors.how_it_ended(end) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.012, "0 s"), (0.3, "0.3 s"), (1.0, "1 s"), (9.96, "10 s"), (31.4, "31 s")]
)
def test_seconds_are_short(value, words):
    assert process_errors.seconds(value) == words


def test_too_large_an_environment_names_its_largest_variable(tmp_path):
    error = explain(
        OSError(errno.E2BIG, "Argument list too long"), name="web", program="gunicorn", cwd=str(tmp_path),
        env={"A": "b", "BIG": "x" * 1000},
    )  # fmt: skip

    assert error.what == "`web` could not be started: its environment of 1009 bytes is too large"
    assert error.help == ("the largest variable is `BIG`",)


def test_a_command_that_is_too_long_is_not_blamed_on_the_environment(tmp_path):
    error = explain(
        OSError(errno.E2BIG, "Argument list too long"), name="web", program="sh", cwd=str(tmp_path),
        env={"PATH": "/bin"}, command="x" * 1000, origin="Procfile:1",
    )  # fmt: skip

    assert error.what == "`web` could not be started: its command of 1000 bytes is too long"
    assert error.causes == (f"{'x' * 200}…     (Procfile:1)",)


def test_a_folder_for_sockets_that_is_in_the_way_comes_with_the_command_that_frees_it(tmp_path):
    folder = tmp_path / "sockets"
    folder.touch()
    with pytest.raises(SocketFolderError) as caught:
        make_socket_folders([str(folder)])

    error = explain(caught.value, name="db", program="redis-server", cwd=str(tmp_path), env={})

    assert error.what == f"`db` could not be started: the folder of its socket, `{folder}`, isn't a directory"
    assert error.help == (f"mv {folder} {folder}.aside",)


def test_a_folder_for_sockets_that_cannot_be_made_is_named_with_the_one_above_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SocketFolderError) as caught:
        make_socket_folders([f"{tmp_path}/file/sockets"])

    error = explain(caught.value, name="db", program="redis-server", cwd=str(tmp_path), env={})

    assert error.help == (f"ls -ld {tmp_path}/file", "export DEVBOOT_HOME=/a/short/path/of/yours")


@pytest.mark.parametrize(("module", "last"), [("imghdr", "3.12"), ("distutils", "3.11")])
def test_a_module_that_left_python_is_no_package_to_add(module, last):
    error = ended(WORKER, End(1), (f"ModuleNotFoundError: No module named '{module}'",))

    assert (
        error.help[0] == f'only Python up to {last} has it: set `version = "{last}"` under `[python]` in devboot.toml'
    )


@pytest.mark.parametrize(
    ("program", "advice"),
    [
        ("gunicorn", "add `gunicorn` to the project's packages, then `devboot up -d`"),
        ("bundle", "it comes with Ruby, which devboot does not install: install it and the project's packages"),
        ("npm", 'write `node = "22"` under `[packages]` in devboot.toml, then `devboot up -d`'),
        (
            "nodemon",
            "`npx nodemon` runs it if package.json lists it; otherwise `npm install --global nodemon` installs it",
        ),
    ],
)
def test_a_program_that_is_not_there_says_what_brings_it(tmp_path, program, advice):
    error = explain(
        OSError(errno.ENOENT, "none"), name="web", program=program, cwd=str(tmp_path), env={"PATH": "/none"}
    )

    assert (error.what, error.help) == (f"`web` could not be started: `{program}` was not found", (advice,))


def test_a_program_that_go_code_is_built_to_says_how(tmp_path):
    (tmp_path / "go.mod").touch()
    error = explain(OSError(errno.ENOENT, "none"), name="web", program="shop", cwd=str(tmp_path), env={"PATH": "/none"})

    assert error.help == ("if this Go code builds it: run `go build -o . ./...`, and put `./` before its name",)


PYDANTIC = (
    "pydantic_core._pydantic_core.ValidationError: 2 validation errors for Settings",
    "BOT_TOKEN",
    "  Field required [type=missing, input_value={}, input_type=dict]",
    "    For further information visit https://errors.example.test",
    "database_url",
    "  Field required [type=missing, input_value={}, input_type=dict]",
)
OF_OLD = (
    "pydantic.error_wrappers.ValidationError: 1 validation error for AppSettings",
    "key",
    "  field required (type=x)",
)


@pytest.mark.parametrize(
    ("tail", "names"),
    [
        (PYDANTIC, "BOT_TOKEN DATABASE_URL"),
        (OF_OLD, "KEY"),
        (("    TOKEN = os.environ['TOKEN']", '  File "<frozen os>", line 679', "KeyError: 'TOKEN'"), "TOKEN"),
        (("decouple.UndefinedValueError: KEY not found. Declare it as envvar or define a default value.",), "KEY"),
        (("django.core.exceptions.ImproperlyConfigured: Set the KEY environment variable",), "KEY"),
        (('environs.exceptions.EnvError: Environment variable "KEY" not set',), "KEY"),
    ],
)
def test_a_variable_without_a_value_is_named_with_the_command_that_adds_it(tail, names, tmp_path):
    error = ended(WORKER._replace(env_files=(str(tmp_path), ".env")), End(1), tail)

    verb = "have" if " " in names else "has"
    assert f"worker read {' and '.join(names.split())}, which {verb} no value" == error.what
    subprocess.run(["/bin/sh", "-c", error.help[0]], cwd=tmp_path, check=True)
    assert "".join(f"{name}=…\n" for name in names.split()) == (tmp_path / ".env").read_text()


@pytest.mark.parametrize(
    "tail",
    [
        ("KeyError: 'TOKEN'",),
        ("    migrate = app.extensions['migrate']", "KeyError: 'migrate'"),
        ("pydantic_core._pydantic_core.ValidationError: 1 validation error for Order", *PYDANTIC[1:3]),
    ],
)
def test_other_errors_name_no_variable(tail):
    assert ended(WORKER, End(1), tail).help == ("all output: `devboot logs worker`",)


@pytest.mark.parametrize("said", [PYDANTIC, OF_OLD, ("decouple.UndefinedValueError: KEY not found.",)])
def test_settings_without_a_value_are_as_hopeless_as_code_that_cannot_be_loaded(said):
    assert broken_code(("Traceback", *said)) == said[0]


@pytest.mark.parametrize(
    ("expected", "line", "is_near"),
    [
        ("Starting development server", "Starting WSGI development server at http://127.0.0.1:8000/", True),
        (r"(?i)worker \d+ ready for tasks", "Worker 7 is Ready for all tasks", True),
        ("Starting development server", "Starting the machine", False),
        ("ready", "it is all but ready to begin", False),
    ],
)
def test_a_line_that_is_much_like_the_expected_one_is_named(expected, line, is_near):
    spec = ProcessSpec("web", "process", "/shop", ready=Probe("log", expect=expected))

    error = not_ready(spec, "", ("something else", line, "the last word"))

    named = f"no line matches `{expected}`, but `{line}` is similar: correct `ready` of `web`"
    assert (named in error.help) is is_near


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ('could not translate host name "db" to address: Name or service not known', "PGHOSTADDR=127.0.0.1"),
        ("(2005, \"Unknown MySQL server host 'db' (-2)\")", "read it from a variable, or add `127.0.0.1 db`"),
        ("Error -2 connecting to db:6379. Name or service not known.", 'hosts = ["db"]'),
        ("db:27017: [Errno -3] Temporary failure in name resolution", 'hosts = ["db"]'),
        ("Can't connect to MySQL server on 'db' ([Errno -2] Name or service not known)", 'hosts = ["db"]'),
        ("Cannot connect to amqp://guest:**@db:5672//: [Errno -2] Name or service not known.", 'hosts = ["db"]'),
        ("DNS lookup failed for db:9092 (0)", 'hosts = ["db"]'),
    ],
)
def test_a_name_that_only_containers_have_comes_with_what_leads_it_here(line, fix):
    helps = ended(WORKER, End(1), (f"Failure: {line}",)).help

    assert fix in helps[0]
    assert "`db`" in helps[0]


@pytest.mark.parametrize(
    "line", ["Error -2 connecting to db.example.test:6379. Name or service not known.", "connected to db:6379"]
)
def test_a_host_with_a_domain_or_one_that_was_found_needs_no_such_advice(line):
    assert "no host of this machine" not in " ".join(ended(WORKER, End(1), (line,)).help)


@pytest.mark.parametrize(
    "line",
    [
        "aiohttp.ClientConnectorError: Cannot connect to host chat.example.test:443 [Name or service not known]",
        'could not translate host name "chat.example.test" to address: Name or service not known',
        "Max retries exceeded: Failed to resolve 'chat.example.test' ([Errno -2] Name or service not known)",
        "pymongo.errors.ServerSelectionTimeoutError: chat.example.test:27017: [Errno -2] Name or service not known",
        "Error: getaddrinfo EAI_AGAIN chat.example.test",
        "pymysql.err.OperationalError: (2005, \"Unknown MySQL server host 'chat.example.test' (-3)\")",
        "dns.resolver.NXDOMAIN: The DNS query name does not exist: _mongodb._tcp.chat.example.test.",
    ],
)
def test_a_host_of_another_machine_without_an_address_is_named_as_the_reason(line):
    error = ended(WORKER, End(1), ("working", line))

    assert error.slug == "network/unknown-host"
    assert error.what == "worker can't reach chat.example.test: this machine knows no address for it"


def test_a_machine_without_network_is_named_as_the_reason():
    frame = '  File "/app/ask.py", line 16, in ask'
    error = ended(
        WORKER, End(1), ("Traceback (most recent call last):", frame, "OSError: [Errno 101] Network is unreachable")
    )

    assert error.slug == "network/unreachable"
    assert "worker needs another machine" in error.what


@pytest.mark.parametrize("host", ["db.internal", "printer.local"])
def test_a_name_of_a_local_network_is_no_host_of_another_machine(host):
    error = ended(WORKER, End(1), (f"{host}:27017: [Errno -3] Temporary failure in name resolution",))

    assert error.slug == "process/exited"


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        (
            "django.db.utils.OperationalError: server does not support SSL, but SSL was required",
            'PGHOST = "${services.postgres.socket}"',
        ),
        ('ConnectionError: PostgreSQL server at "127.0.0.1:5432" rejected SSL upgrade', "PGHOST"),
        ("TypeError: Connection.__init__() got an unexpected keyword argument 'ssl_cert_reqs'", "`rediss://`"),
        (
            "redis.exceptions.ConnectionError: Error 1 connecting to 127.0.0.1:6379. [SSL: WRONG_VERSION_NUMBER]",
            "`rediss://`",
        ),
    ],
)
def test_a_demand_for_tls_comes_with_what_does_without(line, fix):
    assert fix in ended(WORKER, End(1), ("Traceback", line)).help[0]


LOADED = ('  File "/shop/app.py", line 9, in <module>', "    context.load_cert_chain(CERTIFICATE, KEY)")
NOT_FOUND = "FileNotFoundError: [Errno 2] No such file or directory"
OPENSSL = "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=localhost"


@pytest.mark.parametrize(
    ("line", "command", "files"),
    [
        ("    context.load_cert_chain('shop.crt', 'shop.key')", "python app.py", "-keyout shop.key -out shop.crt"),
        ("    app.run(ssl_context=('cert.pem', 'key.pem'))", "python app.py", "-keyout key.pem -out cert.pem"),
        ("", "uvicorn app:app --ssl-keyfile=./k.key --ssl-certfile my.pem", "-keyout k.key -out my.pem"),
    ],
)
def test_a_missing_certificate_comes_with_the_command_that_makes_it(tmp_path, line, command, files):
    spec = WORKER._replace(cwd=str(tmp_path), command=command, env_files=(str(tmp_path),))

    advice = ended(spec, End(1), (line, *LOADED, NOT_FOUND)).help[0]

    assert advice == f"{OPENSSL} {files}   # a certificate for this machine only"


def test_a_missing_certificate_is_made_where_the_command_is_pasted(tmp_path):
    (tmp_path / "api").mkdir()
    spec = WORKER._replace(cwd=str(tmp_path / "api"), env_files=(str(tmp_path),))
    line = "    app.run(ssl_context=('certs/cert.pem', 'certs/key.pem'))"

    advice = ended(spec, End(1), (line, *LOADED, NOT_FOUND)).help[0]

    assert advice.startswith(f"mkdir -p api/certs && {OPENSSL} -keyout api/certs/key.pem -out api/certs/cert.pem")


def test_a_certificate_that_is_there_or_has_no_name_is_left_alone(tmp_path):
    (tmp_path / "shop.crt").touch()
    spec = WORKER._replace(cwd=str(tmp_path), env_files=(str(tmp_path),))

    for line in ("context.load_cert_chain('shop.crt', 'shop.key')", "context.load_cert_chain(CERTIFICATE, KEY)"):
        assert "openssl" not in " ".join(ended(spec, End(1), (line, NOT_FOUND)).help)


def test_a_template_is_copied_from_where_the_command_is_pasted(tmp_path):
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "conf.example.json").write_text("{}")
    spec = WORKER._replace(cwd=str(folder), env_files=(str(tmp_path), ".env"))

    said = ("FileNotFoundError: [Errno 2] No such file or directory: 'conf.json'",)
    command = ended(spec, End(1), said).help[0].partition(" && ")[0]

    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)
    assert "{}" == (folder / "conf.json").read_text()


@pytest.mark.parametrize(
    ("code", "said", "is_moved"),
    [
        ("", "Error: While importing 'my api.app', an ImportError was raised:", True),
        ("# Flask\n\n", "Error: While importing 'my api.app', an ImportError was raised:", True),
        ("app = 1\n", "Error: While importing 'my api.app', an ImportError was raised:", False),
        ("", "Error: While importing 'app', an ImportError was raised:", False),
        ("", "it starts", False),
    ],
)
def test_an_init_file_is_moved_only_where_the_folder_was_imported_for_it(tmp_path, code, said, is_moved):
    folder = tmp_path / "my api"
    folder.mkdir()
    (folder / "__init__.py").write_text(code)
    (folder / "models.py").touch()
    spec = WORKER._replace(cwd=str(folder), env_files=(str(tmp_path), ".env"))

    command = ended(spec, End(1), (said, "ModuleNotFoundError: No module named 'models'")).help[0]

    assert is_moved is command.startswith("mv ")
    if is_moved:
        subprocess.run(["/bin/sh", "-c", command.partition(" && ")[0]], cwd=tmp_path, check=True)
        assert (folder / "__init__.py.unused").exists()
    else:
        assert 'PYTHONPATH = "."' in command


SAYS_WHY = {
    "an exception": (
        ["applying 0001", "Traceback (most recent call last):", '  File "m.py", line 2', "ValueError: no such table"],
        "ValueError: no such table",
    ),
    "details behind it": (
        [
            "Traceback (most recent call last):",
            '  File "m.py", line 2',
            "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: users",
            "[SQL: SELECT 1]",
            "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
        ],
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: users",
    ),
    "psql": (["BEGIN", 'psql:seed.sql:3: ERROR:  relation "users" exists', "LINE 1: CREATE"], None),
    "make": (["python: can't open file 'seed.py'", "make: *** [Makefile:2: seed] Error 2"], None),
    "node": (["Error: Cannot find module 'knex'", "    at Module._load (node:internal)", "", "Node.js v22.1.0"], None),
    "npm": (["Error: relation exists", "npm error code 1", "npm error A complete log of this run can be found"], None),
    "click": (["Usage: flask [OPTIONS]", "Error: No such command 'db'."], "Error: No such command 'db'."),
    "nothing known": (["one", "two", ""], "two"),
    "nothing at all": ([], ""),
}


@pytest.mark.parametrize(("lines", "expected"), SAYS_WHY.values(), ids=SAYS_WHY)
def test_the_line_that_says_why_a_program_failed_is_found(lines, expected):
    line = next((line for line in lines if "error" in line.casefold() or "can't" in line), "")
    assert complaint(lines) == (line if expected is None else expected)


def test_a_failed_task_says_why_in_its_headline():
    tail = ("applying 0001", "Traceback (most recent call last):", '  File "m.py", line 2', "ValueError: no such table")
    task = ProcessSpec("migrate", "task", "/", "python m.py", origin="[tasks.migrate]")

    assert ended(task, End(1), tail).what == "migrate failed: ValueError: no such table"
    assert ended(task, End(3), ()).what == "migrate failed, with code 3"
    assert ended(task, End(None, 9), tail).what.startswith("migrate failed, killed by SIGKILL")


def test_advice_for_the_manifest_begins_with_init_where_there_is_none(tmp_path):
    spec = ProcessSpec("worker.2", "process", str(tmp_path), "work")
    assert process_errors.setting(spec, "pty = true") == "`devboot init`, then set `pty = true` in `[processes.worker]`"

    (tmp_path / "devboot.toml").touch()
    assert process_errors.setting(spec, "pty = true") == "set `pty = true` in `[processes.worker]`"
