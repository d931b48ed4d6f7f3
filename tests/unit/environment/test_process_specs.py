"""From Procfile and manifest to process specs."""

import signal

import pytest

from devboot.environment.ports.wish import PortWish
from devboot.environment.process_specs import (
    Command,
    Surroundings,
    instances_of,
    port_wishes,
    process_spec,
    sibling_variables,
    task_spec,
)
from devboot.model.edge.manifest.tables import Process, Task
from devboot.model.process import Dependency, Probe
from devboot.supervisor.output.line_matcher import LineMatcher

MIGRATE = Task.model_validate({"run": "./manage.py migrate", "before": ["processes"]})


def around(**changes):
    fields = {
        "root": "/shop",
        "ports": {"web": 5000, "my-worker": 5100},
        "variables": {},
        "services": ("redis",),
        "databases": frozenset({"default"}),
        "tasks": {"migrate": MIGRATE},
        "fill_in": lambda text: text.replace("${x}", "filled"),
        "process_variables": dict,
    }
    return Surroundings(**{**fields, **changes})


def spec(text="serve", *, name="web", surroundings=None, **fields):
    return process_spec(Command(name, text, "Procfile:1"), Process.model_validate(fields), surroundings or around())


def test_a_high_base_leaves_room_for_all_processes():
    commands = [Command("web", "a", ""), Command("api", "b", ""), Command("worker", "c", "")]

    wishes = port_wishes(commands, {}, 65500)

    assert [65500, 2112, 2212] == [wish.port for wish in wishes]


def test_ports_go_up_by_a_hundred_unless_the_manifest_names_one():
    commands = [Command("web", "a", ""), Command("api", "b", ""), Command("worker", "c", "")]

    assert [5000, 5010] == [wish.port for wish in port_wishes(commands, {}, 5000, 10)][:2]
    wishes = port_wishes(commands, {"api": Process.model_validate({"port": 8000})}, 5000)

    free = PortWish("web", 5000, exact=False, shared=True)
    assert (free, PortWish("api", 8000, exact=True), free._replace(name="worker", port=5200)) == wishes


def test_a_process_gets_its_port_and_its_siblings():
    assert {"PORT": "5000", "PS": "web"} == dict(spec().env)


def test_its_own_variables_beat_all_but_the_port():
    assert {"PORT": "5000", "PS": "mine"} == dict(spec(env={"PS": "mine", "PORT": "1"}).env)


def test_gunicorn_is_told_to_listen_on_loopback_where_nobody_says_where():
    assert "--bind=127.0.0.1:5000" == dict(spec("gunicorn app").env)["GUNICORN_CMD_ARGS"]
    with_args = around(variables={"GUNICORN_CMD_ARGS": "--reload"})
    assert "--bind=127.0.0.1:5000 --reload" == dict(spec("gunicorn a", surroundings=with_args).env)["GUNICORN_CMD_ARGS"]
    assert "GUNICORN_CMD_ARGS" not in dict(spec("gunicorn app -b :8000").env)
    bound = around(variables={"GUNICORN_CMD_ARGS": "--bind=0.0.0.0:80"})
    assert "GUNICORN_CMD_ARGS" not in dict(spec("gunicorn app", surroundings=bound).env)


def test_uwsgi_is_told_to_end_when_it_is_stopped():
    assert "true" == dict(spec("uwsgi --http :8000").env)["UWSGI_DIE_ON_TERM"]
    assert "UWSGI_DIE_ON_TERM" not in dict(spec("serve").env)
    told = around(variables={"UWSGI_DIE_ON_TERM": "false"})
    assert "UWSGI_DIE_ON_TERM" not in dict(spec("uwsgi shop.ini", surroundings=told).env)
    assert "no" == dict(spec("uwsgi shop.ini", env={"UWSGI_DIE_ON_TERM": "no"}).env)["UWSGI_DIE_ON_TERM"]


def test_what_a_shell_script_around_the_server_says_counts_as_the_command_does(tmp_path):
    (tmp_path / "start.sh").write_text("#!/bin/bash\npython manage.py migrate\ngunicorn shop.wsgi --log-file -\n")
    (tmp_path / "serve.sh").write_text("exec uvicorn shop:app --port ${PORT:-8000}\n")

    wrapped = spec("bash start.sh", surroundings=around(root=str(tmp_path)))
    other = spec("./serve.sh", surroundings=around(root=str(tmp_path)))

    assert ("bash start.sh", "http", "127.0.0.1:5000") == (wrapped.command, wrapped.scheme, wrapped.address)
    assert ("--bind=127.0.0.1:5000", "accept") == (dict(wrapped.env)["GUNICORN_CMD_ARGS"], wrapped.ready.kind)
    assert ("http", "127.0.0.1:5000") == (other.scheme, other.address)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("gunicorn shop.wsgi", "accept"),
        (".venv/bin/gunicorn --bind 127.0.0.1:$PORT shop.wsgi", "accept"),
        ("bundle exec puma -p $PORT", "accept"),
        ("uvicorn shop:app --port $PORT", "listen"),
        ("./notgunicorn --port $PORT", "listen"),
    ],
)
def test_servers_that_load_the_application_in_workers_are_up_when_these_take_connections(text, kind):
    found = spec(text)

    assert (kind, 5000, True) == (found.ready.kind, found.ready.port, found.gates)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("celery -A shop worker -l info", b"[INFO/MainProcess] celery@host ready."),
        ("watchfiles 'celery -A shop worker' shop", b"celery@host ready."),
        ("celery -A shop beat", b"[INFO/MainProcess] beat: Starting..."),
        ("rq worker high low", b"*** Listening on high, low..."),
        ("python manage.py rqworker", b"12:00:00 *** Listening on default..."),
        ("dramatiq shop.tasks", b"[INFO] Worker process is ready for action."),
        ("python manage.py run_huey", b"Huey consumer started with 1 thread"),
        ("arq shop.WorkerSettings", b"Starting worker for 2 functions: mail, bill"),
    ],
)
def test_workers_that_write_that_they_are_ready_are_taken_at_their_word_but_not_waited_for(text, line):
    found = spec(text)

    assert ("line", False) == (found.ready.kind, found.gates)
    assert LineMatcher(found.ready.expect).matches(line + b"\n")
    assert not LineMatcher(found.ready.expect).matches(b"celery is not ready. yet\nListening\n")


def test_a_server_that_is_told_where_to_listen_is_waited_for_and_has_an_address():
    told, bound = spec("gunicorn shop.wsgi --log-file -"), spec("gunicorn shop.wsgi -b :8000")
    assert (True, "127.0.0.1:5000", "http") == (told.gates, told.address, told.scheme)
    assert (True, "127.0.0.1:8000", "http") == (bound.gates, bound.address, bound.scheme)
    assert Probe("accept", port=8000) == bound.ready


@pytest.mark.parametrize(
    ("text", "ready", "address"),
    [
        ("./manage.py runserver 0.0.0.0:8000", {"log": "Starting"}, "127.0.0.1:8000"),
        ("./manage.py runserver --noreload 8001", None, "127.0.0.1:8001"),
        ("flask --app shop run --port=8000", {"exec": "true"}, "127.0.0.1:8000"),
        ("uvicorn shop:app --host 0.0.0.0 --port 8000", {"http": "/health"}, "127.0.0.1:8000"),
        ("python shop.py", {"http": "http://localhost:8000/"}, "127.0.0.1:8000"),
        ("python shop.py", {"http": "/health"}, "127.0.0.1:5000"),
        ("python shop.py", {"tcp": "8000"}, "127.0.0.1:8000"),
        ("python shop.py", {"tcp": "db.example.test:8000"}, ""),
        ("python shop.py", {"tcp": "localhost:8000"}, "localhost:8000"),
        ("python shop.py", {"log": "Running on"}, ""),
        ("python shop.py", {"exec": "true"}, ""),
        ("python mail.py --port 25", None, ""),
    ],
)
def test_an_address_is_what_the_command_or_the_probe_names(text, ready, address):
    found = spec(text, **({"ready": ready} if ready else {}))

    assert address == found.address
    if ready and ready.get("http") == "/health":
        assert address.endswith(f":{found.ready.port}")


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("flask run", True),
        ("python -m flask --app shop run", True),
        ("python manage.py runserver", True),
        ("uvicorn shop:app", True),
        ("gunicorn --bind unix:/run/shop.sock shop:app", False),
        ("hypercorn --help", False),
        ("celery -A flask worker -B run", False),
        ("python shop.py", False),
    ],
)
def test_a_known_server_without_a_port_is_up_once_it_listens_anywhere(text, waits):
    found = spec(text)

    assert waits is found.gates
    assert (Probe("listen") if waits else "") in (found.ready, found.scheme)


def test_without_depends_on_it_needs_every_service_and_the_tasks_before_processes():
    assert (Dependency("redis", "ready"), Dependency("migrate", "succeeded")) == spec().depends_on


def test_with_depends_on_it_needs_those_and_the_tasks_all_the_same():
    wanted = spec(depends_on=[{"name": "my-worker", "until": "started"}, "default"])

    assert (Dependency("my-worker", "started"), Dependency("migrate", "succeeded")) == wanted.depends_on


def test_a_process_is_waited_for_where_a_port_or_a_probe_says_when_it_is_ready():
    assert not spec("celery worker").gates
    assert spec("serve --port $PORT").gates
    assert spec("serve --port ${PORT:-8000}").gates
    assert not spec("serve $PORTAL").gates
    assert spec(port=8000).gates
    assert spec(ready={"log": "up"}).gates


def test_without_a_probe_it_is_ready_once_it_listens():
    assert Probe("listen", port=5000) == spec().ready


def test_an_http_path_means_its_own_port_and_a_url_another_place():
    assert Probe("http", port=5000, path="/health") == spec(ready={"http": "/health"}).ready
    elsewhere = spec(ready={"http": "http://app.example.test:81/x?y=1", "status": [204]}).ready
    assert Probe("http", "app.example.test", 81, "/x?y=1", "app.example.test", (204,)) == elsewhere


def test_the_other_probes_cross_over_with_their_timings():
    assert Probe("tcp", port=81) == spec(ready={"tcp": "81"}).ready
    assert Probe("tcp", "127.0.0.2", 81, period=2.0) == spec(ready={"tcp": "127.0.0.2:81", "period": "2s"}).ready
    assert Probe("exec", command="true") == spec(ready={"exec": "true"}).ready
    assert Probe("log", expect="up") == spec(alive={"log": "up"}).alive


def test_the_manifests_words_on_restart_and_stop_cross_over():
    wanted = spec(stop_signal="INT", stop_timeout="2s", restart="always", expected_exit=[0, 3], cwd="sub/../sub")

    assert (signal.SIGINT, 2.0, "always", (0, 3), "/shop/sub") == (
        wanted.stop_signal,
        wanted.stop_timeout,
        wanted.restart,
        wanted.expected_exit,
        wanted.cwd,
    )


def test_a_task_waits_for_every_service_and_for_the_one_before_it():
    wanted = task_spec("demo", MIGRATE, "migrate", around())

    assert (Dependency("redis", "ready"), Dependency("migrate", "succeeded")) == wanted.depends_on
    assert (False, "never") == (wanted.pty, wanted.restart)


def test_a_task_with_depends_on_needs_just_those():
    task = Task.model_validate({"run": "x", "depends_on": ["default"]})

    assert () == task_spec("x", task, None, around()).depends_on


def test_instances_have_ports_of_their_own_next_to_each_other():
    web, worker = Command("web", "a", ""), Command("worker", "c", "")
    commands = [*instances_of(web, 3), *instances_of(worker, 1)]

    assert [("web.1", 5000), ("web.2", 5001), ("web.3", 5002), ("worker", 5100)] == [
        (wish.name, wish.port) for wish in port_wishes(commands, {}, 5000)
    ]
    assert [(8000, True), (8001, True), (8002, True)] == [
        (wish.port, wish.exact)
        for wish in port_wishes(instances_of(web, 3), {"web": Process.model_validate({"port": 8000})}, 5000)
    ]


def test_who_depends_on_a_process_depends_on_all_its_instances_and_knows_the_first_ones_port():
    surroundings = around(
        ports={"web": 5000, "my-worker.1": 5100, "my-worker.2": 5101},
        instances={"web": ("web",), "my-worker": ("my-worker.1", "my-worker.2")},
    )

    found = spec(surroundings=surroundings, depends_on=["my-worker"])

    assert (Dependency("my-worker.1", "ready"), Dependency("my-worker.2", "ready")) == found.depends_on[:2]
    assert {"PORT": "5000", "PS": "web"} == dict(found.env)


def test_each_process_is_told_the_port_of_each_and_of_several_instances_that_of_the_first():
    surroundings = around(
        ports={"web": 5000, "my-worker.1": 5100, "my-worker.2": 5101},
        instances={"web": ("web",), "my-worker": ("my-worker.1", "my-worker.2")},
    )
    expected = (("OVERMIND_PROCESS_my_worker_PORT", "5100"), ("OVERMIND_PROCESS_web_PORT", "5000"))
    assert expected == sibling_variables(surroundings)


def test_an_instance_is_told_its_own_name_and_nothing_that_changes_with_the_number_of_its_siblings():
    def env(count):
        commands = instances_of(Command("worker", "work", "Procfile:2"), count)
        surroundings = around(
            ports={"web": 5000, **{each.name: 5099 + each.instance for each in commands}},
            instances={"web": ("web",), "worker": tuple(each.name for each in commands)},
        )
        return dict(process_spec(commands[0], Process(), surroundings).env)

    assert {"PORT": "5100", "PS": "worker.1"} == env(2) == env(5)


def test_what_a_process_watches_by_itself_is_left_to_it():
    assert ("**/*.py",) == spec(watch=["**/*.py"]).watch
    assert ("**/*.py", "!**/*.py") == spec("./manage.py runserver", watch=["**/*.py"]).watch
    assert () == spec("watchfiles 'celery worker'", watch=["**/*.py"]).watch
    assert () == spec("./manage.py runserver").watch


def test_cascade_and_schedule_come_through():
    found = spec(cascade=True, schedule="@daily")

    assert (True, "@daily") == (found.cascade, found.schedule)
