"""From a loaded project, its lock and its ports to the plan and the variables."""

from types import SimpleNamespace

import pytest

from devboot import snapshot
from devboot.app.preparation.compose.composition import (
    Parts,
    base_port,
    commands_of,
    compose_project,
    refuse_missing,
    replaced_by_services,
    tasks_of,
    wanted_ports,
)
from devboot.app.preparation.locking.lockfile import known_recipes
from devboot.app.preparation.project.load import load_project
from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.environment.ports.wish import PortWish
from devboot.environment.variables.envfiles import EnvFiles, read_env_files
from devboot.environment.variables.secrets import ensure_secrets
from devboot.errors import Problems
from devboot.model.edge.lockfile.lock import Lock
from devboot.model.process import Dependency
from devboot.provision.objects.store import StoreObject
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.resolve.packages import resolve, wishes_of
from devboot.supervisor.core import planning
from tests.fakes.folders import home_beside
from tests.fakes.manifest_keys import PROCESS_KEYS, SERVICE_KEYS, TASK_KEYS

NO_FILES = EnvFiles((), (), ())
TASKS = {"release": "load", "migrate": "make"}


def project(tmp_path, manifest, procfile="web: serve --port $PORT\nworker: work\n"):
    (tmp_path / "devboot.toml").write_text(manifest)
    if procfile:
        (tmp_path / "Procfile").write_text(procfile)
    return load_project(str(tmp_path), home_beside(tmp_path))


def composed(loaded, *, environ=None, libraries=("celery",), files=NO_FILES, has_venv=True, packages="packages"):
    recipes = known_recipes(loaded.manifest, RecipeFolders([bundled_folder()]))
    wishes = wishes_of(loaded.manifest)
    lock = Lock(package=resolve(wishes, recipes).packages)
    objects = {wish: StoreObject(f"k-{wish.name}", f"/store/k-{wish.name}") for wish in wishes}
    ports = {wish.name: wish.port for wish in wanted_ports(loaded, recipes, 5000)}
    return compose_project(
        Parts(loaded, files, lock, recipes, objects, libraries, ports, "/run/me", environ or {}, packages, has_venv)
    )


def test_a_command_of_the_manifest_takes_the_place_of_the_procfiles(tmp_path):
    loaded = project(tmp_path, "[processes.web]\ncommand = 'serve --debug'\n[processes.clock]\ncommand = 'tick'\n")

    assert [(each.name, each.text, each.origin) for each in commands_of(loaded)] == [
        ("web", "serve --debug", "[processes.web]"),
        ("worker", "work", "Procfile:2"),
        ("clock", "tick", "[processes.clock]"),
    ]


def test_a_procfile_and_a_service_make_a_plan(tmp_path):
    found = composed(project(tmp_path, "[project]\nname = 'shop'\n[services.redis]\n"))

    assert "shop" == found.plan.project
    assert ["redis", "web", "worker"] == [spec.name for spec in found.plan.processes]
    redis, web, worker = found.plan.processes
    assert ("service", "127.0.0.1:6379", "/store/k-redis/bin/redis-server") == (
        redis.kind,
        redis.address,
        redis.argv[0],
    )
    assert (Dependency("redis", "ready"),) == web.depends_on == worker.depends_on
    assert (True, False) == (web.gates, worker.gates)
    assert "Procfile:1" == web.origin


def test_the_recipe_exports_what_the_locked_libraries_read(tmp_path):
    loaded = project(tmp_path, "[services.redis]\n")

    found = composed(loaded)
    password = ensure_secrets(loaded.project.data, {"services.redis.password": "hex"})["services.redis.password"]
    assert f"redis://:{password}@127.0.0.1:6379/0" == found.composition.values()["CELERY_BROKER_URL"]
    assert {each.name: each.secret for each in found.composition.variables}["REDISCLI_AUTH"]
    assert "CELERY_BROKER_URL" not in composed(loaded, libraries=()).composition.values()


def test_of_two_services_the_one_named_as_its_recipe_exports(tmp_path):
    found = composed(project(tmp_path, "[services.cache]\nrecipe = 'redis'\n[services.redis]\nport = 7000\n"))

    assert "services.redis" == next(v.source for v in found.composition.variables if v.name == "REDIS_URL")


def test_variables_say_at_which_line_of_the_manifest_they_stand(tmp_path):
    found = composed(project(tmp_path, "[env]\nA = 'x'\nB = '${A}y'\n"))

    assert [("A", "x", "devboot.toml:2"), ("B", "xy", "devboot.toml:3")] == [
        variable[:3] for variable in found.composition.variables
    ]


def test_the_patch_puts_the_virtualenv_first(tmp_path):
    found = composed(project(tmp_path, "[env]\nA = 'x'\n"))

    environ = snapshot.apply(found.patch, {"PATH": "/bin", "PYTHONHOME": "/other"})

    assert f"{tmp_path}/.venv/bin:/bin" == environ["PATH"]
    assert (f"{tmp_path}/.venv", "x") == (environ["VIRTUAL_ENV"], environ["A"])
    assert "PYTHONHOME" not in environ


def test_programs_of_the_virtualenv_find_containers_here_only_where_the_manifest_names_them(tmp_path):
    loaded = project(tmp_path, "[python]\nhosts = ['DB', 'redis']\n")
    environ = snapshot.apply(composed(loaded).patch, {"PYTHONPATH": "own"})
    without = snapshot.apply(composed(project(tmp_path, "")).patch, {"PYTHONPATH": "own"})

    folder = f"{loaded.project.state}/python"
    assert (environ["DEVBOOT_HOSTS"], environ["PYTHONPATH"]) == ("db,redis", f"{folder}:own")
    assert (tmp_path / folder / "sitecustomize.py").is_file()
    assert ("DEVBOOT_HOSTS" in without, without["PYTHONPATH"]) == (False, "own")


def test_processes_are_recorded_only_where_nobody_wrote_a_manifest_and_python_is_used(tmp_path):
    written = composed(project(tmp_path, ""))
    (tmp_path / "devboot.toml").unlink()
    (tmp_path / "requirements.txt").write_text("flask\n")
    loaded = load_project(str(tmp_path), home_beside(tmp_path))
    detected, other = composed(loaded), composed(loaded, has_venv=False)

    assert {()} == {spec.observed for spec in (*written.plan.processes, *other.plan.processes)}
    state = loaded.project.state
    expected = {spec.name: (f"{state}/python", f"{state}/observed/{spec.name}") for spec in detected.plan.processes}
    assert expected == {spec.name: spec.observed for spec in detected.plan.processes}
    assert (tmp_path / state / "observed").is_dir()
    assert (tmp_path / state / "python" / "_devboot_recorder.py").is_file()
    assert "PYTHONPATH" not in snapshot.apply(detected.patch, {})


def test_processes_know_the_env_files_to_which_a_variable_is_added(tmp_path):
    other = composed(project(tmp_path, "[env-files]\nread = ['app/.env', '.secrets']\n"))
    usual = composed(project(tmp_path, ""))

    assert {(str(tmp_path), "app/.env", ".secrets")} == {spec.env_files for spec in other.plan.processes}
    assert {(str(tmp_path), ".env")} == {spec.env_files for spec in usual.plan.processes}


def test_a_generated_secret_is_made_once(tmp_path):
    loaded = project(tmp_path, "[env]\nKEY = { generate = 'token' }\n")

    first, second = composed(loaded), composed(loaded)

    assert first.composition.values()["KEY"] == second.composition.values()["KEY"]
    assert first.composition.variables[0].secret


def test_a_release_line_is_a_task_before_the_processes(tmp_path):
    loaded = project(tmp_path, "[env]\nA = 'x'\n", "release: ./manage.py migrate\nweb: serve\n")

    release, web = composed(loaded).plan.processes

    assert ("release", "task", "./manage.py migrate") == (release.name, release.kind, release.command)
    assert (Dependency("release", "succeeded"),) == web.depends_on


def test_a_release_line_beside_tasks_of_the_manifest_runs_only_when_asked_for(tmp_path):
    manifest = "[tasks.migrate]\nrun = 'x'\nbefore = ['processes']\n"
    loaded = project(tmp_path, manifest, "release: ./manage.py migrate\nweb: serve\n")

    assert ["migrate", "web"] == [spec.name for spec in composed(loaded).plan.processes]
    assert {"migrate", "release"} == set(tasks_of(loaded))


def test_a_procfile_line_is_replaced_by_the_service_of_its_name(tmp_path):
    loaded = project(tmp_path, "[services.redis]\n", "redis: redis-server\nweb: serve\n")

    assert ("redis",) == replaced_by_services(loaded)
    assert ["web"] == [command.name for command in commands_of(loaded)]


def test_ports_are_wanted_for_services_and_processes(tmp_path):
    loaded = project(tmp_path, "[services.redis]\nport = 7000\n[processes.worker]\nport = 9000\n")
    recipes = known_recipes(loaded.manifest, RecipeFolders([bundled_folder()]))

    assert (
        PortWish("redis", 7000, True, movable=False),
        PortWish("web", 5000, False, shared=True),
        PortWish("worker", 9000, True),
    ) == wanted_ports(loaded, recipes, 5000)


def test_the_port_of_a_service_may_be_another_one_where_a_variable_leads_to_it(tmp_path):
    loaded = project(tmp_path, "[services.redis]\nport = 7000\n[env]\nQUEUE = '${services.redis.url}'\n")
    recipes = known_recipes(loaded.manifest, RecipeFolders([bundled_folder()]))

    assert PortWish("redis", 7000, True) == wanted_ports(loaded, recipes, 5000)[0]


def test_a_service_gets_its_further_ports_too(tmp_path):
    loaded = project(tmp_path, "[services.post]\nrecipe = 'mail'\n", "web: serve\n")
    recipes = known_recipes(loaded.manifest, RecipeFolders([bundled_folder()]))
    found = composed(loaded)

    assert wanted_ports(loaded, recipes, 5000)[:2] == (
        PortWish("post", 1025, False),
        PortWish("post.page", 1080, False),
    )
    assert found.plan.processes[0].argv[-3] == "1080"
    assert "@127.0.0.1:1080" in [value[-15:] for _, name, value in found.patch if name == "MAIL_PAGE"]


def test_the_ports_of_processes_begin_where_the_projects_own_files_say(tmp_path):
    (tmp_path / ".env").write_text("PORT=8000\n")
    loaded = project(tmp_path, "[env]\nA = 'x'\n")
    files = read_env_files(str(tmp_path), None, {})

    assert 8000 == base_port(files, loaded.manifest)
    assert 5000 == base_port(NO_FILES, loaded.manifest)


def test_all_missing_variables_come_in_one_run_with_where_to_put_them(tmp_path):
    loaded = project(
        tmp_path,
        "[env]\nA = { required = true, description = 'from the console' }\nB = { required = true }\nC = '${A}'\n",
    )

    with pytest.raises(Problems) as caught:
        refuse_missing(loaded, NO_FILES, {})

    first, second = caught.value.errors
    assert ("env/missing", "`A` is not set", ("A  from the console",), ("echo 'A=…' >> .env",)) == (
        first.slug,
        first.what,
        first.details,
        first.help,
    )
    assert 3 == second.place.line
    assert 3 == caught.value.exit_code
    refuse_missing(loaded, NO_FILES, {"A": "1", "B": "2"})


def test_an_equal_project_has_an_equal_fingerprint_and_a_changed_one_another(tmp_path):
    loaded = project(tmp_path, "[env]\nA = 'x'\n")
    before = composed(loaded).plan.fingerprint

    assert before == composed(load_project(str(tmp_path), home_beside(tmp_path))).plan.fingerprint
    assert before != composed(project(tmp_path, "[env]\nA = 'y'\n")).plan.fingerprint


def test_other_packages_restart_what_runs(tmp_path):
    loaded = project(tmp_path, "")
    before, same, other = (composed(loaded, packages=digest).plan for digest in ("a", "a", "b"))

    assert planning.compare(before, same, running(before), frozenset()).restarted == ()
    assert planning.compare(before, other, running(before), frozenset()).restarted == ("web", "worker")


def running(plan):
    return {spec.name: SimpleNamespace(spec=spec, run="under way") for spec in plan.processes}


def test_a_task_is_stamped_with_its_inputs_and_databases(tmp_path):
    (tmp_path / "shop/migrations").mkdir(parents=True)
    (tmp_path / "shop/migrations/0001.py").write_text("x")
    manifest = """
[databases.default]
path = "db.sqlite3"
[tasks.migrate]
run = "migrate"
inputs = ["*/migrations/*.py"]
before = ["processes"]
depends_on = ["default"]
[tasks.demo]
run = "load"
once = true
before = ["processes"]
"""
    loaded = project(tmp_path, manifest)
    with RecordedReads() as watched:
        found = composed(project(tmp_path, manifest))

    migrate, demo = (spec for spec in found.plan.processes if spec.kind == "task")
    assert (f"{tmp_path}/db.sqlite3",) == migrate.stamp_databases
    assert (f"presence:{tmp_path}/db.sqlite3",) == demo.stamp_databases
    assert f"{loaded.project.data}/stamps/migrate" == migrate.stamp[0]
    assert f"{tmp_path}/shop/migrations/0001.py" in [stamp[0] for stamp in watched.stamps]
    (tmp_path / "shop/migrations/0002.py").write_text("y")
    after = composed(load_project(str(tmp_path), home_beside(tmp_path)))
    assert migrate.stamp != next(s for s in after.plan.processes if s.name == "migrate").stamp
    assert demo.stamp == next(s for s in after.plan.processes if s.name == "demo").stamp


def test_a_task_that_only_a_process_names_runs_before_it(tmp_path):
    manifest = "[tasks.assets]\nrun = 'build'\n[processes.web]\ndepends_on = ['assets']\n[tasks.test]\nrun = 'test'\n"

    plan = composed(project(tmp_path, manifest)).plan

    assets, web, worker = plan.processes
    assert ("assets", "task", "web", (Dependency("assets", "succeeded"),)) == (
        assets.name,
        assets.kind,
        web.name,
        web.depends_on,
    )
    assert () == worker.depends_on


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        *(
            ("processes.another" if key == "command" else "processes.web", key, PROCESS_KEYS[key])
            for key in PROCESS_KEYS
        ),
        *(("tasks.migrate", key, TASK_KEYS[key]) for key in TASK_KEYS),
        *(
            ("services.postgres" if key == "databases" else "services.redis", key, SERVICE_KEYS[key])
            for key in SERVICE_KEYS
        ),
    ],
)
def test_each_key_changes_what_runs_or_what_is_installed(tmp_path, table, key, value):
    tables = {
        "services.redis": {},
        "services.postgres": {},
        "tasks.migrate": {"run": "'migrate'", "before": "['processes']"},
        "processes.web": {},
    }

    def planned():
        text = "".join(
            f"[{name}]\n" + "".join(f"{each} = {word}\n" for each, word in keys.items())
            for name, keys in tables.items()
        )
        loaded = project(tmp_path, text)
        return wishes_of(loaded.manifest), composed(loaded).plan._replace(fingerprint="")

    before = planned()
    tables.setdefault(table, {})[key] = value  # `another` is new

    assert before != planned()


def test_a_command_that_was_detected_is_cited_at_its_line_of_the_procfile_and_in_no_table(tmp_path):
    tasks = "".join(f"[tasks.{name}]\nrun = '{run}'\nbefore = ['processes']\n" for name, run in TASKS.items())
    manifest = f"{tasks}[processes.clock]\ncommand = 'tick'\n"
    written = project(tmp_path, manifest, "web: serve\nrelease: load\n")
    detected = written._replace(project=written.project._replace(written=False))

    assert {spec.name: spec.origin for spec in composed(written).plan.processes} == {
        "release": "[tasks.release]",
        "migrate": "[tasks.migrate]",
        "web": "Procfile:1",
        "clock": "[processes.clock]",
    }
    assert {spec.name: spec.origin for spec in composed(detected).plan.processes} == {
        "release": "Procfile:2",
        "migrate": "devboot.toml after `devboot init`",
        "web": "Procfile:1",
        "clock": "devboot.toml after `devboot init`",
    }


def test_the_release_line_of_a_procfile_is_cited_as_such_beside_a_manifest_too(tmp_path):
    found = composed(project(tmp_path, "[project]\nname = 'shop'\n", "web: serve\nrelease: load\n"))

    assert [spec.origin for spec in found.plan.processes if spec.name == "release"] == ["Procfile:2"]
