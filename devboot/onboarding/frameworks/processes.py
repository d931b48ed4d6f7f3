"""Processes that the framework, the libraries in use and compose imply, where no Procfile says what runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from devboot.onboarding.frameworks.celery_entry import celery_entry, schedules
from devboot.onboarding.frameworks.flask import flask_name
from devboot.onboarding.frameworks.scripts import lone_program, serving_script
from devboot.onboarding.frameworks.serving import RUNS
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.commands import start_commands
from devboot.onboarding.reading.compose import Compose, Container
from devboot.onboarding.reading.image_commands import container_command
from devboot.onboarding.reading.layout import ASIDE, Application, cwd_of, module_name
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.machine import Event
from devboot.onboarding.symbolic_eval.settings import Run
from devboot.onboarding.symbolic_eval.values import Function, Module, Opaque

WORKER = re.compile(
    r"celery\b.*\b(?:worker|beat)\b|\brq\s+worker|rqworker|rqscheduler|run_huey|huey_consumer|qcluster|rundramatiq|"
    r"\bdramatiq\s|\barq\s|taskiq\s+(?:worker|scheduler)|"
    r"python[\d.]*\s+(?:-u\s+|-m\s+)?[\w./-]*(?:worker|scheduler|poster|consumer|bot)[\w.]*|"
    r"manage\.py\s+(?!migrate|runserver|collectstatic|test|shell)\w+"
)
NOT_A_WORKER = re.compile(
    r"flower|manage\.py\s+run(?:server\w*)?\b(?!_)|http\.server|uvicorn|gunicorn|migrate|"
    r"collectstatic|createsuperuser|loaddata|pytest|\btest\b|npm|yarn|&&.*runserver|sleep infinity|tail -f|wait-for"
)

# A worker of rq's in a file of the project; `get_worker` is how extensions of Flask make one
MAKES_WORKER = re.compile(r"\b(?:Worker|get_worker)\(")


def implied(tree: Tree, app: Application, run: Run, compose: Compose, packages: Mapping[str, str]) -> list[Process]:
    """All processes, the web first."""
    found: list[Process] = []
    web = _web(tree, app, packages)
    if web is not None:
        found.append(web)
    has_celery = not packages or any("celery" in name for name in packages)
    workers = (_celery(tree, app, run) if has_celery else []) + _others(tree, app, run, packages)
    composed = _of_compose(tree, compose, app)
    found += _merge(workers, composed)
    return found or lone_program(tree, app) or _offered(tree, app)


def _offered(tree: Tree, app: Application) -> list[Process]:
    """What the clone's own files say that it is started with."""
    return [
        Process("app", command, cwd_of(app), None, where) for command, where in islice(start_commands(tree, app), 1)
    ]


def _web(tree: Tree, app: Application, packages: Mapping[str, str]) -> Process | None:
    here = cwd_of(app)
    if app.framework == "django":
        script = posixpath.basename(app.path)
        return Process("web", f"python {script} runserver 127.0.0.1:$PORT", here, None, app.evidence)
    if app.framework in ("fastapi", "starlette", "litestar"):
        factory = " --factory" if app.target.endswith("()") else ""
        target = f"{app.entry}:{app.target.removesuffix('()')}"
        if "uvicorn" not in packages and "fastapi-cli" not in packages and "hypercorn" in packages:
            return _hypercorn(app, here)
        return Process(
            "web", f"uvicorn {target}{factory} --host 127.0.0.1 --port $PORT --reload", here, None, app.evidence
        )
    if app.framework == "flask" and "quart" in packages and re.search(r"\bQuart\(", tree.text(app.path) or ""):
        return _hypercorn(app, here)
    if app.framework == "flask":
        return _flask(tree, app, here)
    return _sanic(tree, app) or serving_script(tree, app) or _pyramid(tree, app)


def _sanic(tree: Tree, app: Application) -> Process | None:
    """Sanic's own runner, for a module that doesn't run its application itself."""
    text = tree.text(app.path) or "" if app.framework == "sanic" else ""
    made = re.search(r"^(\w+)\s*(?::[^=\n]+)?=\s*Sanic\(", text, re.MULTILINE)
    if made is None or RUNS.search(text):
        return None
    command = f"sanic {app.entry}:{made[1]} --host 127.0.0.1 --port $PORT --reload"
    return Process("web", command, cwd_of(app), None, app.evidence)


_PYRAMID = re.compile(r"^\[app:[^\]]+\][^\[]*?^use\s*=\s*egg:", re.MULTILINE | re.DOTALL)


def _pyramid(tree: Tree, app: Application) -> Process | None:
    """The server of a Pyramid application, by the settings that its scaffolds make."""
    path = posixpath.normpath(posixpath.join(app.folder, "development.ini"))
    text = tree.text(path) or "" if tree.exists(path) else ""
    found = _PYRAMID.search(text)
    if found is None:
        return None
    listens = re.search(r"^(?:listen\s*=.*?:|port\s*=\s*)(\d{2,5})\s*$", text, re.MULTILINE)
    port = int(listens[1]) if listens else None
    line = text.count("\n", 0, found.start()) + 1
    return Process("web", "pserve development.ini --reload", cwd_of(app), port, Evidence(path, line))


def _hypercorn(app: Application, here: str) -> Process:
    target = f"{app.entry}:{app.target}"
    named = f"'{target}'" if target.endswith("()") else target  # a factory, which is no call of the shell's
    return Process("web", f"hypercorn {named} --bind 127.0.0.1:$PORT --reload", here, None, app.evidence)


def _flask(tree: Tree, app: Application, here: str) -> Process:
    name = flask_name(tree, app)
    option = f"--app {name} " if name else ""
    return Process("web", f"flask {option}run -p $PORT --reload", here, None, app.evidence)


# -- workers ---------------------------------------------------------------------------------------------------------


def celery_target(tree: Tree, app: Application, run: Run) -> tuple[str, Evidence | None] | None:
    """What `celery -A` is given: a module, or a module and a name where Celery doesn't find it by itself."""
    made = [e for e in run.found.events if re.search(r"(?:^|\.)Celery=:$", e.name) and e.module]
    # Of several the one that belongs to the application: in its package, or named as is usual
    home = (run.machine.settings.name if run.machine.settings else app.entry).split(".")[0]
    made.sort(key=lambda e: (e.module.split(".")[0] != home, "celery" not in e.module))
    for event in made:
        where = Evidence(event.place.path, event.place.line) if event.place else None
        return _shortest(run, event.module, event.target), where
    return _celery_by_attribute(tree, app)


def _shortest(run: Run, module: str, name: str) -> str:
    package = module.rpartition(".")[0]
    outer = run.machine.modules.get(package)
    if module.endswith(".celery") and name in ("app", "celery") and outer is not None:
        return package
    holder = run.machine.modules.get(module)
    is_hidden = name == "celery" and holder is not None and "app" in holder.names
    return module if name in ("app", "celery") and not is_hidden else f"{module}.{name}"


def _celery_by_attribute(tree: Tree, app: Application) -> tuple[str, Evidence | None] | None:
    """A Celery application that a factory makes: the module's name that holds it."""
    holders: list[tuple[int, str, str, Evidence]] = []
    for path in tree.python_files():
        text = "" if ASIDE.search(path) else tree.text(path) or ""
        match = re.search(
            r"^(\w*celery\w*|app)\s*(?::[^=\n]+)?=\s*([\w.]*celery[\w.]*\(|[\w.]+\.extensions\[[\"']celery[\"']\]|\w+\.celery(?:_app)?\b(?!\())",
            text,
            re.MULTILINE | re.IGNORECASE,
        )
        if match is None:
            continue
        name = module_name(path, app.sources)
        if name:
            line = text.count("\n", 0, match.start()) + 1
            holders.append((len(path), name, match[1], Evidence(path, line)))
    if not holders:
        return None
    _, module, name, evidence = min(holders, key=lambda item: item[0])
    return (module if name in ("app", "celery") else f"{module}.{name}"), evidence


def has_beat(run: Run) -> Evidence | None:
    """Where something says that Celery's beat has work."""
    value = run.names.get("CELERY_BEAT_SCHEDULE") or run.names.get("CELERYBEAT_SCHEDULE")
    if value is not None and value.data:
        return Evidence(value.place.path, value.place.line) if value.place else Evidence("")
    apps = run.setting("INSTALLED_APPS")
    if isinstance(apps, list | tuple) and "django_celery_beat" in apps:
        place = run.names["INSTALLED_APPS"].place
        return Evidence(place.path, place.line) if place else Evidence("")
    celery = run.names.get("CELERY")
    if celery is not None and isinstance(celery.data, dict) and celery.data.get("beat_schedule"):
        inner = celery.data["beat_schedule"]
        return Evidence(inner.place.path, inner.place.line) if inner.place else Evidence("")
    for event in run.found.events:
        if re.search(r"beat_schedule|add_periodic_task", event.name) or "beat_schedule" in event.call.keywords:
            return Evidence(event.place.path, event.place.line) if event.place else Evidence("")
    return None


def is_idle(run: Run) -> bool:
    """Whether the settings keep Celery from being used: tasks run at once, or a switch is off."""
    eager = any(run.setting(name) is True for name in ("CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER"))
    return eager or any(run.setting(name) is False for name in ("CELERY_ENABLED", "USE_CELERY", "ENABLE_CELERY"))


def _celery(tree: Tree, app: Application, run: Run) -> list[Process]:
    if not any(re.search(r"(?:^|\.)Celery$|^celery\..*config_from_object$", event.name) for event in run.found.events):
        return []
    if is_idle(run):
        return []
    entry = celery_entry(tree, app)
    target = entry or celery_target(tree, app, run)
    if target is None:
        return []
    here = cwd_of(app)
    queues = _queues_of_scripts(tree)
    found = [Process("worker", f"celery -A {target[0]} worker -l info{queues}", here, None, target[1])]
    beat = has_beat(run) or (entry[1] if entry is not None and schedules(tree, entry[1]) else None)
    if beat is not None:
        found.append(
            Process("beat", f"celery -A {target[0]} beat -l info", here, None, beat if beat.path else target[1])
        )
    return found


_SCRIPTS = re.compile(r"(?:^|/)(?:Makefile|justfile|Procfile[\w.]*|[\w.-]+\.(?:sh|service)|supervisord?\.conf)$")
_WORKS_OFF = re.compile(r"(?m)^[^\n#]*\bcelery\b[^\n#]*\bworker\b[^\n#]*?\s(?:-Q\s*|--queues[ =])([\w.,:-]+)")


def _queues_of_scripts(tree: Tree) -> str:
    """Return ` -Q a,b,celery` with the queues that the clone's own scripts let workers serve, and Celery's usual one.

    Empty where no script names any.
    """
    queues: dict[str, None] = {}
    for path in tree.files():
        if _SCRIPTS.search(path) and path.count("/") <= 2:
            for match in _WORKS_OFF.finditer(tree.text(path) or ""):
                queues |= dict.fromkeys(match[1].split(","))
    return f" -Q {','.join(queues | {'celery': None})}" if queues else ""


def _others(tree: Tree, app: Application, run: Run, packages: Mapping[str, str]) -> list[Process]:
    here = cwd_of(app)
    installed = run.setting("INSTALLED_APPS")
    apps = set(installed) if isinstance(installed, list | tuple) else set()
    place = run.names["INSTALLED_APPS"].place if "INSTALLED_APPS" in run.names else None
    where = Evidence(place.path, place.line) if place else None
    script = f"python {posixpath.basename(app.path)}" if app.framework == "django" else ""
    found: list[Process] = []
    for marker, name, command in (
        ("django_rq", "worker", "rqworker default"),
        ("huey.contrib.djhuey", "worker", "run_huey"),
        ("django_q", "worker", "qcluster"),
        ("django_dramatiq", "worker", "rundramatiq"),
        ("procrastinate.contrib.django", "worker", "procrastinate worker"),
        ("django_tasks.backends.database", "worker", "db_worker"),
    ):
        if marker in apps and script:
            found.append(Process(name, f"{script} {command}", here, None, where))
    if not found:
        found += _plain_workers(tree, app, run, here, packages)
    return found


def _plain_workers(tree: Tree, app: Application, run: Run, here: str, packages: Mapping[str, str]) -> list[Process]:
    """Workers of libraries that know no framework."""
    events = run.found.events
    for event in events:
        if re.search(r"^dramatiq\.brokers\.\w+\.\w*Broker$", event.name) and event.place:
            module = _dramatiq_module(tree, app, event.place.path) or module_name(event.place.path, app.sources)
            if module:
                return [
                    Process("worker", f"dramatiq {module}", here, None, Evidence(event.place.path, event.place.line))
                ]
    for name, loaded in run.machine.modules.items():
        value = loaded.names.get("WorkerSettings")
        if value is not None and "arq" in packages and value.place:
            return [
                Process(
                    "worker", f"arq {name}.WorkerSettings", here, None, Evidence(value.place.path, value.place.line)
                )
            ]
    for event in events:
        huey = re.search(r"^huey\.(?:\w+\.)*\w*Huey=:$", event.name)
        if huey and event.module and event.place:
            return [
                Process(
                    "worker",
                    f"huey_consumer {event.module}.{event.target}",
                    here,
                    None,
                    Evidence(event.place.path, event.place.line),
                )
            ]
        if (
            re.search(r"^taskiq\w*\.(?:\w+\.)*\w*Broker=:$|^taskiq\w*\..*with_result_backend\(\)=:$", event.name)
            and event.module
            and event.place
        ):
            return [
                Process(
                    "worker",
                    f"taskiq worker {event.module}:{event.target}",
                    here,
                    None,
                    Evidence(event.place.path, event.place.line),
                )
            ]
    if "rq" in packages or "flask-rq2" in packages:
        return _rq(tree, app, events, here)
    return []


def _dramatiq_module(tree: Tree, app: Application, broker: str) -> str | None:
    """The module from which the worker starts: one named so, in the package that holds the broker."""
    package = broker.split("/")[: 1 + (app.sources[0].count("/") + 1 if app.sources[0] != "." else 0)]
    prefix = "/".join(package)
    for ending in ("worker.py", "worker/run.py", "worker/main.py", "workers.py", "run_worker.py"):
        for path in tree.python_files():
            if path.startswith(prefix) and path.endswith("/" + ending) and not ASIDE.search(path):
                return module_name(path, app.sources)
    return None


def _rq(tree: Tree, app: Application, events: Iterable[Event], here: str) -> list[Process]:
    own = next(
        (
            p
            for p in tree.python_files()
            if re.search(r"(?:^|_)worker\.py$", posixpath.basename(p)) and not ASIDE.search(p)
            if MAKES_WORKER.search(tree.text(p) or "")
        ),
        None,
    )
    if own is not None:
        path = posixpath.relpath(own, app.folder)
        line = 1 + MAKES_WORKER.split(tree.text(own) or "", maxsplit=1)[0].count("\n")
        return [Process("worker", f"python {path}", here, None, Evidence(own, line))]
    for event in events:
        if re.search(r"(?:^|\.)(?:rq\.Queue|RQ)$", event.name) and event.place:
            first = event.argument(0, "name")
            name = first.data if first is not None and isinstance(first.data, str) else "default"
            url = " --url $REDIS_URL"
            return [
                Process("worker", f"rq worker{url} {name}", here, None, Evidence(event.place.path, event.place.line))
            ]
    return []


# -- compose ---------------------------------------------------------------------------------------------------------


def _of_compose(tree: Tree, compose: Compose, app: Application) -> list[Process]:
    found: list[Process] = []
    for container in compose.containers:
        command, folder = container.command, _folder(tree, app, container)
        if command:
            command = container_command(tree, app, container, posixpath.normpath(posixpath.join(app.root, folder)))
        if not command or (not container.is_built and container.image and container.recipe):
            continue
        if not WORKER.search(command) or NOT_A_WORKER.search(command) or program_is_foreign(command):
            continue
        found.append(Process(_name(container), _cleaned(command), folder, None, container.evidence))
    return found


def _folder(tree: Tree, app: Application, container: Container) -> str:
    """Where a container's command runs, as a folder of the clone that is mounted there."""
    for mount in container.mounts:
        here, _, there = mount.partition(":")
        there = there.split(":")[0].rstrip("/")
        if here.startswith(".") and there and (container.folder + "/").startswith(there + "/"):
            base = posixpath.join(posixpath.dirname(container.path), here, posixpath.relpath(container.folder, there))
            path = posixpath.normpath(base)
            if path == "." or tree.is_folder(path):
                return posixpath.relpath(path, app.root)
    program = re.search(r"python[\d.]*\s+(?:-u\s+)?(?:-m\s+([\w.]+)|([\w/.-]+\.py)\b)", container.command)
    if program:
        file = program[2] or program[1].replace(".", "/")
        folders = [each for each in (app.folder, app.root) if _has_program(tree, posixpath.join(each, file))]
        return posixpath.relpath(folders[0], app.root) if folders else cwd_of(app)
    return cwd_of(app)


def _has_program(tree: Tree, path: str) -> bool:
    return any(tree.exists(posixpath.normpath(path + ending)) for ending in ("", ".py", "/__main__.py"))


def program_is_foreign(command: str) -> bool:
    """Whether a command starts a script of the image."""
    first = command.split(maxsplit=1)[0] if command.split() else ""
    return first.startswith(("/", "./")) and not first.endswith("manage.py")


def _name(container: Container) -> str:
    command = container.command
    if re.search(r"celery\b.*\bbeat\b", command) and " worker" not in command:
        return "beat"
    if re.search(r"celery\b.*\bworker\b|qcluster|run_huey|rqworker|rq worker|dramatiq|\barq\b", command):
        return "worker"
    return re.sub(r"[^a-z0-9-]+", "-", container.name.lower()).strip("-")


def _cleaned(command: str) -> str:
    """A container's command as it runs here."""
    command = re.sub(r"^(?:uv|poetry|pipenv|pdm)\s+run\s+(?:--\S+\s+)*", "", command)
    # Compose fills variables in before any shell sees the quotes
    command = re.sub(r"'([^']*\$[^']*)'", r'"\1"', command).replace("$$", "$")
    command = re.sub(r"^watchmedo\s.*?\s--\s+", "", command)
    command = re.sub(r"^(?:sleep\s+\d+\s*(?:;|&&)\s*)", "", command)
    command = re.sub(r"\s--?(?:logfile|pidfile|f)[= ]\S+", "", command)
    command = re.sub(r"\s--(?:workdir|chdir)[= ]/\S*", "", command)  # a folder of the container
    command = re.sub(r"\s--(?:uid|gid)[= ]\S+", "", command)  # only root can become somebody else
    return re.sub(r"^python3(?:\.\d+)?\s", "python ", command)


def _merge(workers: list[Process], composed: list[Process]) -> list[Process]:
    """Compose's commands are what people run, so they win over the convention; each kind counts once."""
    found: dict[str, Process] = {process.name: process for process in workers}
    for process in composed:
        command = process.command or ""
        kind = _kind(command)
        rivals = [name for name, known in found.items() if _kind(known.command or "") == kind and kind != "other"]
        if rivals and kind.startswith("celery"):
            is_convention = found[rivals[0]] in workers
            name = rivals[0] if is_convention else _name_by_queue(process, [found[each] for each in rivals])
            if is_convention or name not in found:
                found[name] = replace(process, name=name)
        elif not rivals:
            found.setdefault(process.name, process)
    commands = [process.command or "" for process in found.values()]
    if any(re.search(r"celery\b.*\bworker\b.*\s(?:-B|--beat)\b", command) for command in commands):
        found = {name: process for name, process in found.items() if _kind(process.command or "") != "celery beat"}
    return list(found.values())


def _name_by_queue(process: Process, rivals: list[Process]) -> str:
    """What a further worker of Celery's is called, where it serves queues of its own."""
    queues, theirs = _queues(process), [_queues(rival) for rival in rivals]
    if not queues or not all(theirs) or any(set(queues) & set(each) for each in theirs):
        return process.name
    return "worker-" + re.sub(r"[^a-z0-9-]+", "-", queues[0].lower()).strip("-")


def _queues(process: Process) -> list[str]:
    match = re.search(r"\s(?:-Q\s*|--queues[= ])(\S+)", process.command or "")
    return match[1].split(",") if match else []


def _kind(command: str) -> str:
    for pattern, name in (
        (r"celery\b.*\bbeat\b", "celery beat"), (r"celery\b.*\bworker\b", "celery worker"), (r"qcluster", "django-q"),
        (r"huey", "huey"), (r"\brq\b|rqworker", "rq"), (r"dramatiq", "dramatiq"), (r"\barq\b", "arq"),
        (r"taskiq", "taskiq"),
    ):  # fmt: skip
        if re.search(pattern, command):
            return name
    return "other"


__all__ = ["Function", "Module", "Opaque", "celery_target", "cwd_of", "has_beat", "implied"]
