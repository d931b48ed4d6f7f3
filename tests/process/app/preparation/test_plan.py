"""What a plan says of a preparation is what that then does, step by step, in whatever state it finds the project."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import time
from contextlib import closing

import pytest

from devboot.app.context import Context
from devboot.app.preparation.compose.preview import Preview
from devboot.app.preparation.plan import plan_preparation
from devboot.app.preparation.prepare import prepare_loaded
from devboot.app.preparation.project.load import load_project, look_at_project
from devboot.app.preparation.project.options import PrepareOptions
from devboot.environment.venv.record import NAME as RECORD
from devboot.errors import DevbootError
from devboot.events import DONE, FETCH, NOTE, RecordingReporter
from devboot.model.process import plan_from_plain
from devboot.supervisor.core.task_stamp import write_stamp
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.ports import free_ports
from tests.fakes.toyproject import RECIPE, ToyProject
from tests.fakes.wheels import write_wheel

pytestmark = pytest.mark.timeout(300)

MANIFEST = """
[services.toy]
version = "2"
[databases.main]
path = "shop.db"
pragmas = { journal_mode = "wal" }
migrations = "migrations/*.sql"
[databases.other]
path = "data/other.db"
[tasks.load]
run = "true"
inputs = ["seed.csv"]
before = ["processes"]
[processes.web]
command = "exec sleep 100 # $PORT"
"""
TWO = "create table two (a);"


class Shop:
    """A project with a package, a service of its own recipe, two SQLite files, a task and a process."""

    def __init__(self, folder):
        self.toy = ToyProject(folder, versions=("2.0.0", "1.0.0"), manifest=MANIFEST)
        self.root = self.toy.root
        ports = free_ports(2)
        self.write(".env", f"PORT={ports}\n")
        recipe = (
            RECIPE.replace("23999", str(ports + 1))
            .replace("[package]", '[package]\ndata-format = "toy"')
            .replace("[service]", "[service]\nreads-older = false")
        )
        self.write("recipes/toy/recipe.toml", recipe)
        for name in ("toya", "toyb"):
            write_wheel(str(self.toy.wheels), name, "1.0")
        self.write("requirements.txt", "toya==1.0\n")
        self.write("migrations/1.sql", "create table one (a);")
        self.write("seed.csv", "1\n")
        self.options = PrepareOptions()
        self.listeners = []

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def context(self):
        environ = {**self.toy.environ, "UV_PYTHON_DOWNLOADS": "never"}
        nothing = StreamFacts()
        streams = {"stdin": nothing, "stdout": nothing, "stderr": nothing, "output": OutputOptions()}
        clocks = {"clock": time.monotonic, "wall_clock": time.time}
        return Context(cwd=str(self.root), environ=environ, **streams, **clocks, uid=os.getuid(), version="0")

    def planned(self):
        """The steps of the plan, or the error's slug."""
        context = self.context
        try:
            loaded = look_at_project(context.cwd, context.environ)
            return [(each.kind, each.name) for each in plan_preparation(Preview(loaded, context, self.options))]
        except DevbootError as error:
            return error.slug

    def done(self):
        """The steps that a preparation has taken, or the error's slug."""
        context, reporter = self.context, RecordingReporter()
        before = self.data_folders()
        try:
            loaded = load_project(context.cwd, context.environ)
            prepared = prepare_loaded(loaded, context, self.options, reporter)
        except DevbootError as error:
            return error.slug
        self.finish_tasks(prepared)
        steps = [step for event in reporter.events for step in steps_of(event)]
        return steps + [("create", "toy") for _ in self.data_folders() - before]

    def data_folders(self):
        return {*self.service.parent.glob("*")}

    def finish_tasks(self, prepared):
        """Let the tasks succeed, as a start does."""
        for spec in plan_from_plain(prepared.snapshot.plan_plain).processes:
            if spec.stamp:
                write_stamp(*spec.stamp, spec.stamp_databases)

    @property
    def service(self):
        return self.toy.data / "services/toy/toy-2"

    def listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        self.listeners.append(listener)
        return listener.getsockname()[1]

    def recorded_port(self, name):
        lines = (self.toy.state / "ports.toml").read_text().splitlines()
        return next(int(line.partition(" = ")[2]) for line in lines if line.startswith(f"{name} = "))

    def files(self):
        """Everything that a preparation may change: the clone, devboot's folders without its caches."""
        places = (self.root, self.toy.folder / "home")
        paths = (path for place in places for path in place.rglob("*") if "cache" not in path.relative_to(place).parts)
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in paths if not path.is_dir()}


def steps_of(event):
    """The steps of a plan that an event of a preparation tells of."""
    if event.step == "sqlite":
        name = event.text.split(",")[0].removesuffix(" created")
        yield from (("create", name) for word in (" created", "created by the application") if word in event.text)
        yield from (("migrate", name) for word in (" migration",) if word in event.text)
        yield from (("copy", "shop.db") for word in ("copy kept: ",) if word in event.text)
    elif event.kind == NOTE and event.step == "ports":
        yield "port", event.text.split()[0]
    else:
        yield from (step for kind, step in PLANNED if kind == (event.kind, event.step))


PLANNED = (
    ((FETCH, "toy"), ("fetch", "toy")),
    ((DONE, "python"), ("fetch", "python")),
    ((DONE, "lock"), ("lock", "devboot.lock")),
    ((DONE, "venv"), ("build", ".venv")),
)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A project that has been prepared once, with its tasks done; copied by each test to the same place."""
    folder = tmp_path_factory.mktemp("plan") / "at"
    shop = Shop(folder)
    assert isinstance(shop.done(), list)
    assert shop.planned() == [("create", "data/other.db")]
    kept = folder.parent / "kept"
    for name in ("shop", "home", "wheels"):
        shutil.copytree(folder / name, kept / name, symlinks=True)
    return folder, kept


@pytest.fixture
def shop(ready):
    folder, kept = ready
    for path in (*(folder / "shop").iterdir(), folder / "home"):  # the clone itself is known by its folder
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in ("shop", "home", "wheels"):
        shutil.copytree(kept / name, folder / name, symlinks=True, dirs_exist_ok=True)
    made = Shop.__new__(Shop)
    made.toy = ToyProject.__new__(ToyProject)
    made.toy.folder, made.toy.root, made.toy.wheels = folder, folder / "shop", folder / "wheels"
    made.toy.store, made.root = folder / "home/data/store", folder / "shop"
    made.options, made.listeners = PrepareOptions(), []
    yield made
    for listener in made.listeners:
        listener.close()


def _unlink(shop, name):
    (shop.root / name).unlink()


def _without_packages(shop):
    (site,) = (shop.root / ".venv/lib").glob("python*/site-packages")
    for path in site.glob("toya*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _interrupted(shop):
    (shop.root / ".venv" / RECORD).write_text("{")


def _without_objects(shop):
    for path in shop.toy.store.iterdir():
        os.chmod(path, 0o755)
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o755)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _data_of_another_version(shop):
    shop.service.rename(shop.service.with_name("toy-1"))
    (shop.service.with_name("toy-1") / "dump").write_text("1")


def _written_ahead(shop):
    """A database whose last change is only in its log, as after a crash, and a migration that waits."""
    path = shop.root / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_autocheckpoint = 0")
        digest = hashlib.sha256(TWO.encode()).hexdigest()
        connection.execute(f"insert into devboot_migrations values ('migration', 'migrations/2.sql', '{digest}', '')")
        connection.commit()
        for end in ("", "-wal"):
            shutil.copyfile(f"{path}{end}", f"{path}{end}.kept")
    for end in ("", "-wal"):
        os.replace(f"{path}{end}.kept", f"{path}{end}")
    shop.write("migrations/2.sql", TWO)
    shop.write("migrations/3.sql", "create table three (a);")


def _set(**options):
    def change(shop):
        shop.options = shop.options._replace(**options)

    return change


def _edited(old, new):
    def change(shop):
        text = (shop.root / "devboot.toml").read_text()
        assert old in text
        shop.write("devboot.toml", text.replace(old, new))

    return change


def _wrote(name, text):
    return lambda shop: shop.write(name, text)


def _moved_venv(shop):
    (shop.root / ".venv").rename(shop.root / "elsewhere")
    shutil.copytree(shop.root / "elsewhere", shop.root / ".venv", symlinks=True)
    record = shop.root / ".venv" / RECORD
    record.write_text(record.read_text().replace("/.venv", "/elsewhere"))
    shutil.rmtree(shop.root / "elsewhere")


FETCH_TOY, BUILD, OTHER = ("fetch", "toy"), ("build", ".venv"), ("create", "data/other.db")
LOCK, MAIN, DATA = ("lock", "devboot.lock"), ("create", "shop.db"), ("create", "toy")
COPY = ("copy", "shop.db")

SETUPS = {
    "everything there": ([], {OTHER}),
    "no virtualenv": ([lambda shop: shutil.rmtree(shop.root / ".venv")], {BUILD, OTHER}),
    "a package is gone": ([_without_packages], {BUILD, OTHER}),
    "an interrupted virtualenv": ([_interrupted], {BUILD, OTHER}),
    "the clone's virtualenv has another place": (
        [_moved_venv],
        {BUILD, OTHER},
    ),
    "a folder in the place of the virtualenv": (
        [lambda shop: shutil.rmtree(shop.root / ".venv"), _wrote(".venv/notes", "mine")],
        "python/foreign-venv",
    ),
    "the same, forced": (
        [lambda shop: shutil.rmtree(shop.root / ".venv"), _wrote(".venv/notes", "mine"), _set(is_forced=True)],
        {BUILD, OTHER},
    ),
    "another requirement": ([_wrote("requirements.txt", "toya==1.0\ntoyb==1.0\n")], {LOCK, BUILD, COPY, OTHER}),
    "another requirement, --locked": (
        [_wrote("requirements.txt", "toyb==1.0\n"), _set(is_locked=True)],
        "lock/stale",
    ),
    "another requirement, --frozen": (
        [_wrote("requirements.txt", "toyb==1.0\n"), _set(takes_lock_as_it_is=True)],
        {OTHER},
    ),
    "no lock, --frozen": ([lambda shop: _unlink(shop, "devboot.lock"), _set(takes_lock_as_it_is=True)], "lock/frozen"),
    "a conflict in the lock": ([_wrote("devboot.lock", "<<<<<<< a\n=======\n>>>>>>> b\n")], "lock/conflict"),
    "a damaged lock": ([_wrote("devboot.lock", "format = \n")], "lock/syntax"),
    "another version of a service": ([_edited('version = "2"', 'version = "1"')], {LOCK, FETCH_TOY, DATA, OTHER}),
    "no object in the store": ([_without_objects], {FETCH_TOY, OTHER}),
    "no object in the store, offline": (
        [_without_objects, lambda shop: shutil.rmtree(shop.toy.wheels), _set(is_offline=True)],
        "network/offline",
    ),
    "a Python that nobody has": ([_wrote(".python-version", "3.99\n")], "python/not-found"),
    "no database": ([lambda shop: _unlink(shop, "shop.db")], {MAIN, ("migrate", "shop.db"), OTHER}),
    "another migration": (
        [_wrote("migrations/2.sql", TWO)],
        {("migrate", "shop.db"), OTHER},
    ),
    "no migrations": ([lambda shop: shutil.rmtree(shop.root / "migrations")], "sqlite/no-migrations"),
    "a damaged database": ([_wrote("shop.db", "no database")], "sqlite/damaged"),
    "an empty database": ([_wrote("shop.db", "")], "sqlite/damaged"),
    "the application's database": ([_wrote("data/other.db", "")], set()),
    "another input of a task": ([_wrote("seed.csv", "2\n")], {COPY, OTHER}),
    "another input, nothing starts": ([_wrote("seed.csv", "2\n"), _set(starts=False)], {OTHER}),
    "no data of a service": ([lambda shop: shutil.rmtree(shop.service)], {DATA, OTHER}),
    "data of another version": ([_data_of_another_version], "service/other-major"),
    "a port that is taken": ([lambda shop: shop.listen(shop.recorded_port("web"))], {("port", "web"), OTHER}),
    "the port of a service that is taken": (
        [lambda shop: shop.listen(shop.recorded_port("toy"))],
        {("port", "toy"), OTHER},
    ),
    "a fixed port that is taken": (
        [lambda shop: _edited('version = "2"', f'version = "2"\nport = {shop.listen(0)}')(shop)],
        "port/in-use",
    ),
    "--port with one that is taken": (
        [lambda shop: _set(ports=(("web", shop.listen(0)),))(shop)],
        "port/in-use",
    ),
    "--port with an unknown name": ([_set(ports=(("wbe", 8001),))], "usage/unknown-name"),
    "a variable without a value": (
        [_edited("[tasks.load]", "[env]\nKEY = { required = true }\n[tasks.load]")],
        "env/missing",
    ),
    "a service without a recipe": (
        [_edited("[services.toy]", "[services.tay]\n[services.toy]")],
        "manifest/no-such-recipe",
    ),
    "nothing to run": ([_wrote("devboot.toml", "")], "manifest/nothing-to-run"),
}


def as_set(said):
    """A preparation works in several threads, so that the order of its steps may differ."""
    return said if isinstance(said, str) else set(said)


@pytest.mark.parametrize("name", SETUPS)
def test_the_plan_of_a_preparation_is_what_it_does(shop, name):
    changes, expected = SETUPS[name]
    for change in changes:
        change(shop)
    before = shop.files()

    planned = shop.planned()

    assert shop.files() == before, "a plan changes nothing"
    done = shop.done()
    assert (as_set(planned), as_set(done)) == (expected, expected)
    if not isinstance(done, str):
        again = shop.planned()
        assert [each for each in again if each not in (OTHER, *[("port", "web"), ("port", "toy")])] == [], "all is done"


def test_without_a_lock_the_packages_are_unknown_until_they_are_chosen(shop):
    _unlink(shop, "devboot.lock")

    planned = shop.planned()

    assert {*planned} == {LOCK, BUILD, COPY, OTHER}
    assert {*shop.done()} == {LOCK, OTHER}  # the same ones were chosen again


def test_migrations_of_a_database_with_a_log_are_unknown_until_it_is_opened(shop):
    _written_ahead(shop)

    assert shop.planned() == [OTHER]
    assert {*shop.done()} == {("migrate", "shop.db"), OTHER}


def test_where_nothing_is_installed_each_step_is_planned(tmp_path):
    shop = Shop(tmp_path)
    before = shop.files()

    planned = shop.planned()

    assert shop.files() == before
    assert planned == [LOCK, LOCK, FETCH_TOY, BUILD, MAIN, ("migrate", "shop.db"), OTHER, DATA]
    assert set(shop.done()) == set(planned)
    assert shop.planned() == [OTHER]
