"""Composes services with their ports, variables and process specs into a plan, and the changes of variables."""

from __future__ import annotations

import hashlib
import marshal
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from devboot import __version__
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.missing_variables import missing_variable, missing_variables
from devboot.app.preparation.project.unrecognised import is_idle, refuse_idle, refuse_python_2, warn_of_missing
from devboot.environment.exec_limits import refuse_too_long, this_system
from devboot.environment.observation.startup_module import HOSTS, as_variable, startup_folder, write_startup
from devboot.environment.ports.wish import PortWish
from devboot.environment.process_specs import (
    BASE_PORT,
    Command,
    Surroundings,
    instances_of,
    port_wishes,
    process_spec,
    sibling_variables,
    task_spec,
)
from devboot.environment.tasks import Inputs, automatic, match_inputs, stamp_text
from devboot.environment.variables.envfiles import EnvFiles
from devboot.environment.variables.layers import Composition, Layers, compose, fill_in, process_variables
from devboot.environment.variables.secrets import ensure_secrets, load_secrets, password_of
from devboot.errors import ManifestError, Problems
from devboot.events import Reporter
from devboot.files import make_directories
from devboot.model.composed_variable import ComposedVariable
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.edge.manifest.references import OF_A_SERVICE
from devboot.model.edge.manifest.tables import Process, Service as ManifestService, Task
from devboot.model.edge.manifest.variables import Generated
from devboot.model.interpolation import UnknownReference
from devboot.model.observation import observed_folder
from devboot.model.printable import counted
from devboot.model.process import Plan, ProcessSpec
from devboot.paths import STATE_VARIABLE
from devboot.record import Record
from devboot.resolve.packages import tool_wishes
from devboot.snapshot import PREPEND, SET, UNSET
from devboot.supervisor.core.task_stamp import MADE, PRESENCE
from devboot.text.masking import Masker
from devboot.text.units import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.provision.objects.store import StoreObject
    from devboot.recipes import KnownRecipe
    from devboot.services.account import Account
    from devboot.services.plan import Service

SERVICE_WORDS = ("url", "host", "port", "user", "password", "socket", "data")


def commands_of(loaded: Loaded) -> tuple[Command, ...]:
    """Return the commands of all processes, instances included, as the formation or the manifest says.

    Raises ManifestError `manifest/duplicate-name` if an instance would have the name of something else.
    """
    kinds = kinds_of(loaded)
    found = [each for kind in kinds for each in instances_of(kind, _count(loaded, kind.name))]
    names = {
        **dict.fromkeys(loaded.manifest.tasks, "a task"),
        **dict.fromkeys(loaded.manifest.services, "a service"),
        **{kind.name: "another process" for kind in kinds},
    }
    for command in found:
        if command.process and command.name in names:
            raise ManifestError(
                "manifest/duplicate-name",
                f"instances of `{command.process}` would be called `{command.name}`, as {names[command.name]} is",
                place=loaded.manifest.place(("processes", command.process, "instances")),
                help=[f"rename `{command.name}`"],
            )
    return tuple(found)


def _count(loaded: Loaded, name: str) -> int:
    wanted = loaded.manifest.processes.get(name)
    return loaded.formation.get(name, wanted.instances if wanted is not None else 1)


def names_of_instances(loaded: Loaded) -> dict[str, tuple[str, ...]]:
    """Return the instance names of each process, as `{"web": ("web.1", "web.2")}`."""
    found: dict[str, tuple[str, ...]] = {kind.name: () for kind in kinds_of(loaded)}
    for command in commands_of(loaded):
        found[command.base] += (command.name,)
    return found


def kinds_of(loaded: Loaded) -> tuple[Command, ...]:
    """Return the command of each process, without instances: the Procfile's, then those only in the manifest.

    Lines that a service replaces are left out; a command in the manifest replaces the Procfile's.
    """
    commands: dict[str, Command] = {}
    if loaded.procfile is not None:
        commands = {
            line.name: Command(line.name, line.command, f"{loaded.procfile.file}:{line.line}")
            for line in loaded.procfile.lines
            if line.name not in loaded.manifest.services
        }
    for name, process in loaded.manifest.processes.items():
        if process.command is not None:
            commands[name] = Command(name, process.command, _place_of(loaded, "processes", name, process.command))
    return tuple(commands.values())


def _place_of(loaded: Loaded, table: str, name: str, command: str) -> str:
    """Return where the user finds the command of a process or task: in devboot.toml or the Procfile.

    A command that was detected without a Procfile can be edited after `devboot init`.
    """
    if loaded.project.written and name in getattr(loaded.manifest, table):
        return f"[{table}.{name}]"
    if (procfile := loaded.procfile) is not None:
        for line in filter(None, (*procfile.lines, procfile.release)):
            if line.command == command:
                return f"{procfile.file}:{line.line}"
    return "devboot.toml after `devboot init`"


def names_in_plan(loaded: Loaded) -> tuple[str, ...]:
    """Return all names in the plan: services, databases in them, automatic tasks, processes."""
    manifest = loaded.manifest
    tasks = automatic(tasks_of(loaded), manifest.processes)
    return (*manifest.services, *manifest.served, *tasks, *(command.name for command in commands_of(loaded)))


def replaced_by_services(loaded: Loaded) -> tuple[str, ...]:
    """Return the names of Procfile lines that a service of the manifest replaces."""
    names = () if loaded.procfile is None else loaded.procfile.names
    return tuple(name for name in names if name in loaded.manifest.services)


def tasks_of(loaded: Loaded) -> dict[str, Task]:
    """Return the manifest's tasks, and the Procfile's `release:` if no other task prepares the processes."""
    tasks = dict(loaded.manifest.tasks)
    release = None if loaded.procfile is None else loaded.procfile.release
    if release is not None and "release" not in tasks:
        before = [] if automatic(tasks, loaded.manifest.processes) else ["processes"]
        tasks["release"] = Task.model_validate({"run": release.command, "before": before})
    return tasks


def refuse_missing(loaded: Loaded, files: EnvFiles, environ: Mapping[str, str]) -> None:
    """Raise the errors that `missing_errors` returns, if any."""
    if (missing := missing_errors(loaded, files, environ)) is not None:
        raise missing


def refuse_unready(
    loaded: Loaded, files: EnvFiles, environ: Mapping[str, str], reporter: Reporter, *, starts: bool
) -> None:
    """Raise an error if required variables lack values, or if (with `starts`) nothing would or could run.

    Missing variables of a clone without processes are only a warning. Raises MachineError `python/not-found`,
    ManifestError `manifest/nothing-to-run`, Problems of `env/missing`.
    """
    if starts:
        refuse_python_2(loaded)
    missing = missing_errors(loaded, files, environ)
    if starts:
        refuse_idle(loaded, missing)
    if missing is not None and is_idle(loaded):
        warn_of_missing(missing, reporter)
    elif missing is not None:
        raise missing


def missing_errors(loaded: Loaded, files: EnvFiles, environ: Mapping[str, str]) -> Problems | None:
    """Return Problems of `env/missing` for required variables without a value; needs no ports and no network."""
    names = {f"services.{name}.{word}": "" for name in loaded.manifest.services for word in SERVICE_WORDS}
    names |= {f"databases.{name}.{word}": "" for name in loaded.manifest.served for word in OF_A_SERVICE}
    names |= dict.fromkeys(_port_names(loaded, {command.name: 0 for command in commands_of(loaded)}), "")
    generated = {name: "" for name, wanted in loaded.manifest.env.items() if isinstance(wanted, Generated)}
    layers = _layers(loaded, files, environ, (), {**_own_names(loaded), **names}, generated)
    missing = _composed(layers, loaded).missing
    if not missing:
        return None
    read = loaded.manifest.env_files.read
    read = (".env",) if read is None else read
    root = loaded.project.root
    if len(missing) > 1 and not loaded.project.written:
        errors = [missing_variables(root, missing, read)]
    else:
        places = [loaded.manifest.place(("env", each.name), label="required here") for each in missing]
        errors = [missing_variable(root, each, read, place) for each, place in zip(missing, places, strict=True)]
    count = counted(len(missing), "variable")
    verb = "is" if len(missing) == 1 else "are"
    return Problems(errors, summary=f"{count} {verb} missing; nothing was started or changed")


class Parts(Record):
    """Inputs of a composition, after locking and provisioning. `ports` has a number for each service and process."""

    loaded: Loaded
    files: EnvFiles
    lock: Lock
    recipes: Mapping[str, KnownRecipe]
    objects: Mapping[Wish, StoreObject]
    libraries: tuple[str, ...]
    ports: Mapping[str, int]
    runtime: str
    environ: Mapping[str, str]
    packages_digest: str
    has_venv: bool
    package_list: tuple[str, ...] = ()
    is_preview: bool = False  # nothing is written: secrets that aren't generated yet are empty
    run_as: Callable[[str, str, Sequence[str]], Account | None] = lambda _name, _data, _reaches: None


class Composed(Record):
    """A composed project: services, variables, tasks, and the plan, whose environment is added by `patch`."""

    services: tuple[Service, ...]
    composition: Composition
    plan: Plan
    patch: tuple[tuple[str, str, str], ...]
    tasks: Mapping[str, Task]


def wanted_ports(loaded: Loaded, recipes: Mapping[str, KnownRecipe], base: int) -> tuple[PortWish, ...]:
    """Return the ports that services and processes want, from the number `base` on; those in the manifest are exact."""
    wishes = []
    for name, service in loaded.manifest.services.items():
        table = recipes[service.recipe or name].recipe.service
        usual, further = (BASE_PORT, {}) if table is None else (table.port, table.ports)
        exact = isinstance(service.port, int)
        movable = not exact or loaded.manifest.is_wired(name)
        wishes.append(PortWish(name, int(service.port) if exact else usual, exact, movable))
        wishes += [PortWish(f"{name}.{key}", number, exact=False) for key, number in further.items()]
    return (*wishes, *port_wishes(commands_of(loaded), loaded.manifest.processes, base, loaded.step))


def compose_project(parts: Parts) -> Composed:
    """Compose the plan of the project.

    Raises Problems (`process/too-long` among them), ManifestError `manifest/unknown-name`.
    """
    loaded, manifest = parts.loaded, parts.loaded.manifest
    wanted: dict[str, str] = {name: each.generate for name, each in manifest.env.items() if isinstance(each, Generated)}
    private = [name for name, service in manifest.services.items() if _is_private(parts, name, service)]
    wanted |= {password_of(name): "hex" for name in private}
    if parts.is_preview:
        known = load_secrets(loaded.project.data)
        generated = {name: known.get(name, "") for name in wanted}
    else:
        generated = ensure_secrets(loaded.project.data, wanted)
    passwords = {name: generated[password_of(name)] for name in private}
    first = _planned_services(parts, {}, passwords)
    names = {**_own_names(loaded), **_service_names(first), **_served_names(parts, first)}
    names |= _port_names(loaded, parts.ports)
    layers = _layers(loaded, parts.files, parts.environ, _exports(parts, first), names, generated)
    composition = _composed(layers, loaded)
    settings = {
        name: {
            key: tuple(fill_in(value, composition, layers) for value in values)
            for key, values in service.settings.items()
        }
        for name, service in manifest.services.items()
    }
    services = _planned_services(parts, settings, passwords)
    tasks = tasks_of(loaded)
    patch = _patch(parts, composition)
    around = Surroundings(
        root=loaded.project.root,
        ports={command.name: parts.ports[command.name] for command in commands_of(loaded)},
        variables={**parts.environ, **composition.values()},
        services=tuple(manifest.services),
        databases=frozenset(manifest.sqlite),
        served={name: database.service for name, database in manifest.served.items()},
        tasks=tasks,
        fill_in=lambda template: fill_in(template, composition, layers),
        process_variables=lambda own: process_variables(own, composition, layers),
        instances=names_of_instances(loaded),
    )
    specs = _task_specs(parts, tasks, around, composition, services)
    processes = [
        process_spec(command, manifest.processes.get(command.base) or Process(), around)
        for command in commands_of(loaded)
    ]
    plan = Plan(
        project=loaded.name,
        root=loaded.project.root,
        state=loaded.project.state,
        env=(),
        processes=(
            *(service.spec for service in services),
            *_recorded(services, loaded.project.stamps),
            *map(_with_advice(parts), (*specs, *processes)),
        ),
        version=__version__,
        databases=tuple(
            (name, os.path.join(loaded.project.root, database.path)) for name, database in manifest.sqlite.items()
        ),
        # with other packages a running process would mix old code in memory with new files
        composed=(*((name, f"{kind}{value}") for kind, name, value in patch), ("", parts.packages_digest)),
        data=loaded.project.data,
        record=loaded.project.record,
        siblings=sibling_variables(around),
    )
    refuse_too_long(composition.variables, plan.processes, parts.environ, this_system())
    return Composed(services, composition, _with_fingerprint(plan, patch), patch, tasks)


def _with_advice(parts: Parts) -> Callable[[ProcessSpec], ProcessSpec]:
    """Return a function that adds facts for error messages to a process spec: packages, env files, its record."""
    project, manifest = parts.loaded.project, parts.loaded.manifest
    read = manifest.env_files.read
    env_files = (project.root, *((".env",) if read is None else read))
    modules, folder = "", observed_folder(project.state)
    if parts.has_venv and not project.written:
        venv = os.path.normpath(os.path.join(project.root, manifest.python.venv))
        modules = _startup(parts, venv)
        if not parts.is_preview:
            make_directories(folder)

    def add(spec: ProcessSpec) -> ProcessSpec:
        observed = (modules, os.path.join(folder, spec.name)) if modules else ()
        return spec._replace(packages=parts.package_list, env_files=env_files, observed=observed)

    return add


def _startup(parts: Parts, venv: str) -> str:
    """Write the module that Python loads at startup, unless this is a preview; return its folder."""
    project = parts.loaded.project
    return startup_folder(project.state) if parts.is_preview else write_startup(project.state, venv, project.root)


def base_port(files: EnvFiles, manifest: Manifest) -> int:
    """Return the port of the first process: PORT of an env file, as in other runners, else 5000."""
    own = manifest.env.get("PORT")
    stated = own if isinstance(own, str) else files.port
    number = whole_number(stated, 65536)
    return number if number is not None and 0 < number < 65536 else BASE_PORT


def _port_names(loaded: Loaded, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the values of `${processes.NAME.port}`; of several instances the first one counts."""
    names = {f"processes.{command.name}.port": str(ports[command.name]) for command in commands_of(loaded)}
    for name, instances in names_of_instances(loaded).items():
        names.setdefault(f"processes.{name}.port", str(ports[instances[0]]) if instances else "")
    return names


def _is_private(parts: Parts, name: str, service: ManifestService) -> bool:
    table = parts.recipes[service.recipe or name].recipe.service
    return service.access == "private" and table is not None and table.access is not None


def _planned_services(
    parts: Parts, settings: Mapping[str, Mapping[str, Sequence[str]]], passwords: Mapping[str, str]
) -> tuple[Service, ...]:
    planned, manifest = [], parts.loaded.manifest
    if not manifest.services:
        return ()
    from devboot.app.preparation.compose.service_databases import wanted_databases
    from devboot.services.plan import plan_service

    for name, service in manifest.services.items():
        wish = Wish(service.recipe or name, service.version or "", service.source or "")
        package = parts.lock.locked(wish)
        planned.append(
            plan_service(
                parts.recipes[wish.name].recipe,
                name,
                package.version,
                settings.get(name, {}),
                port=parts.ports[name],
                root=parts.loaded.project.root,
                data=parts.loaded.project.data,
                runtime=parts.runtime,
                programs=parts.objects[wish].bin,
                ports=parts.ports,
                place=manifest.place(("services", name)),
                databases=wanted_databases(manifest, name),
                password=passwords.get(name, ""),
                run_as=parts.run_as,
                notes=package.notes,
            )
        )
    return tuple(planned)


def _served_names(parts: Parts, services: Sequence[Service]) -> dict[str, str]:
    if not services:
        return {}
    from devboot.app.preparation.compose.service_databases import served_names

    return served_names(parts.loaded.manifest, parts.recipes, services)


def _recorded(services: Sequence[Service], stamps: str) -> Iterator[ProcessSpec]:
    """Yield the tasks that create the services' databases; `stamps` is the folder that records finished ones."""
    for service in services:
        from devboot.app.preparation.compose.service_databases import recorded

        yield from recorded(service, stamps)


def _own_names(loaded: Loaded) -> dict[str, str]:
    root = loaded.project.root
    names = {"project.name": loaded.name, "project.root": root}
    for name, database in loaded.manifest.sqlite.items():
        path = os.path.join(root, database.path)
        names |= {f"databases.{name}.path": path, f"databases.{name}.url": f"sqlite:///{path}"}
    return names


def _service_names(services: Sequence[Service]) -> dict[str, str]:
    return {
        f"services.{service.spec.name}.{word}": service.exports[word] for service in services for word in SERVICE_WORDS
    }


def _exports(parts: Parts, services: Sequence[Service]) -> tuple[ComposedVariable, ...]:
    """Return the variables that recipes set.

    If two services set the same, one named like its recipe takes precedence.
    """
    if not services:
        return ()
    from devboot.services.plan import provided_variables

    mask = Masker()  # of passwords in addresses
    exports: dict[str, ComposedVariable] = {}
    wanted = parts.loaded.manifest.services
    ranked = sorted(services, key=lambda each: wanted[each.spec.name].recipe not in (None, each.spec.name))
    for service in ranked:
        name = service.spec.name
        recipe = parts.recipes[wanted[name].recipe or name].recipe
        for variable, value in provided_variables(recipe, service.exports, parts.libraries).items():
            is_secret = bool(password := service.exports["password"]) and password in mask(value)
            exports.setdefault(variable, ComposedVariable(variable, value, f"services.{name}", is_secret))
    return tuple(exports.values())


def _layers(
    loaded: Loaded,
    files: EnvFiles,
    environ: Mapping[str, str],
    exports: tuple[ComposedVariable, ...],
    names: Mapping[str, str],
    generated: Mapping[str, str],
) -> Layers:
    manifest = loaded.manifest
    origins = {name: f"{loaded.project.manifest_name}:{manifest.place(('env', name)).line}" for name in manifest.env}
    return Layers(environ, exports, files.variables, manifest.env, origins, names, generated)


def _composed(layers: Layers, loaded: Loaded) -> Composition:
    try:
        return compose(layers)
    except UnknownReference as error:
        raise ManifestError(
            "manifest/unknown-name",
            f"the variable `{error.reference}` in `${{…}}` has no value",
            place=loaded.manifest.place(("env", error.variable)) if error.variable else None,
            causes=["it is set neither in devboot.toml nor in an env-file nor in the environment of `devboot`"],
            help=[f'set it in `[env]`: {error.reference} = "…"'],
        ) from error


def _patch(parts: Parts, composition: Composition) -> tuple[tuple[str, str, str], ...]:
    project = parts.loaded.project
    patch: list[tuple[str, str, str]] = [(UNSET, "PYTHONHOME", ""), (UNSET, "VIRTUAL_ENV_PROMPT", "")]
    patch.append((SET, STATE_VARIABLE, project.state))
    patch += composition.patch()
    folders = list(dict.fromkeys(parts.objects[wish].bin for wish in _on_path(parts.loaded.manifest)))
    if parts.has_venv:
        venv = os.path.normpath(os.path.join(project.root, parts.loaded.manifest.python.venv))
        patch.append((SET, "VIRTUAL_ENV", venv))
        folders.insert(0, os.path.join(venv, "bin"))
        if hosts := parts.loaded.manifest.python.hosts:
            patch.append((SET, HOSTS, as_variable(hosts)))
            patch.append((PREPEND, "PYTHONPATH", _startup(parts, venv)))
    patch += [(PREPEND, "PATH", folder) for folder in reversed(folders)]
    return tuple(patch)


def _on_path(manifest: Manifest) -> Iterator[Wish]:
    """Yield the packages (tools, then services) whose programs go on PATH, such as `psql` of the running PostgreSQL."""
    yield from tool_wishes(manifest)
    for name, service in manifest.services.items():
        yield Wish(service.recipe or name, service.version or "", service.source or "")


def _task_specs(
    parts: Parts,
    tasks: Mapping[str, Task],
    around: Surroundings,
    composition: Composition,
    services: Sequence[Service],
) -> list[ProcessSpec]:
    """Return the process specs of the automatic tasks, each depending on the one before."""
    root = parts.loaded.project.root
    specs: list[ProcessSpec] = []
    variables = _digest([f"{v.name}={v.value}" for v in composition.variables if not v.secret])
    for name in automatic(tasks, parts.loaded.manifest.processes):
        task = tasks[name]
        spec = task_spec(name, task, specs[-1].name if specs else None, around)
        spec = spec._replace(origin=_place_of(parts.loaded, "tasks", name, task.run))
        if task.inputs or task.once:
            made_of = Inputs((), ()) if task.once else match_inputs(root, task.inputs)
            packages = "" if task.once else parts.packages_digest
            text = stamp_text(task, root, made_of, packages=packages, environment="" if task.once else variables)
            stamp = os.path.join(parts.loaded.project.stamps, name)
            if made_of.is_whole:
                spec = spec._replace(stamp=(stamp, text), stamp_databases=_databases_of(parts, task, services))
        specs.append(spec)
    return specs


def _databases_of(parts: Parts, task: Task, services: Sequence[Service]) -> tuple[str, ...]:
    """Return the databases that a task works on, as marked paths: those it depends on, else all of the manifest.

    An SQLite database is its file; one in a server is the data folder of that server.
    """
    manifest = parts.loaded.manifest
    named = [dependency.name for dependency in task.depends_on if dependency.name in manifest.databases]
    found: list[str] = []
    for name in named or manifest.databases:
        if name in manifest.sqlite:
            path = os.path.join(parts.loaded.project.root, manifest.sqlite[name].path)
            found.append(f"{PRESENCE}{path}" if task.once else path)
        else:
            from devboot.services.data import made_once

            served = (service for service in services if service.spec.name == manifest.served[name].service)
            found += (f"{MADE}{path}" for service in served for path in made_once(service))
    return tuple(dict.fromkeys(found))


def _with_fingerprint(plan: Plan, patch: Sequence[tuple[str, str, str]]) -> Plan:
    from devboot.model.process import plan_to_plain

    plain = marshal.dumps((plan_to_plain(plan), tuple(patch)))
    return plan._replace(fingerprint=hashlib.sha256(plain).hexdigest()[:32])


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
