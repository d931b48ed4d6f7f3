"""Detection: reads a clone and assembles the proposed manifest."""

from __future__ import annotations

import gc
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from devboot.environment.locks.inputs import common_folder
from devboot.model.project_files import overmind
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import TOOLS, worker_words
from devboot.onboarding.frameworks.log_folders import with_log_folders
from devboot.onboarding.frameworks.migrations.alembic import environments, leads_elsewhere, redirected
from devboot.onboarding.frameworks.processes import implied
from devboot.onboarding.frameworks.tasks import find_tasks
from devboot.onboarding.front_ends.front_end import Addition, add_front_end, with_origins
from devboot.onboarding.proposal.address_drivers import with_drivers
from devboot.onboarding.proposal.composed import left_out
from devboot.onboarding.proposal.composed_servers import with_first_data, with_versions
from devboot.onboarding.proposal.debug_flags import find_switches
from devboot.onboarding.proposal.needs import for_another_stage, needs_of, needs_of_node
from devboot.onboarding.proposal.remarks import absent, broken, made_up, neighbours, other_services, unused_examples
from devboot.onboarding.proposal.survey import survey
from devboot.onboarding.proposal.variables import Sources, describe as describe_need, local, required_variable
from devboot.onboarding.proposal_values import Evidence, Note, Process, ProcfileLine, Program, Proposal, Task, Variable
from devboot.onboarding.reading.app_json import read_app_json
from devboot.onboarding.reading.commands import (
    file_of,
    nothing_to_run,
    plain_command,
    program_files,
    start_commands,
    the_program,
)
from devboot.onboarding.reading.containers.image_commands import image_command, variables_of_image
from devboot.onboarding.reading.dotenv import EnvFiles, may_be_secret
from devboot.onboarding.reading.layout import cwd_of
from devboot.onboarding.reading.node import find_node, left_to_itself, only_process
from devboot.onboarding.reading.procfile import (
    Procfile,
    describe,
    env_files_in,
    is_imported_from,
    missing_folder,
    obstacles,
    with_port,
)
from devboot.onboarding.reading.python import with_stated_version
from devboot.onboarding.reading.python_2 import python_2
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.services import databases as stores
from devboot.onboarding.services.all_servers import Services, containers, find_services
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.known.schemas import PARSED
from devboot.onboarding.symbolic_eval.machine import Need
from devboot.supervisor.explain.file_templates import template_names

DEFAULT_FILES = (".env", ".env.local")
ENVRC = re.compile(
    r"(?:dotenv(?:_if_exists)?|source(?:_env)?|\bcat|(?:^|\s)\.)[ \t]+(?:\./)?([\w./-]*env[\w.-]*)", re.MULTILINE
)


def look_around(root: Path, *, environ: Mapping[str, str]) -> Clone:
    """Return the facts about a clone that need no evaluation of its code, such as where its application is."""
    return survey(Tree(root), environ)


def detect(root: Path, *, environ: Mapping[str, str], clone: Clone | None = None) -> Proposal:
    """Read a clone and propose a manifest for it; nothing is run or written.

    `environ` is used only for git, not for values, so that the same clone gives the same proposal for everybody.
    `clone` is the result of `look_around`, if it is known.
    """
    # With many small values the garbage collector would run constantly, and find almost no garbage
    collects = gc.isenabled()
    gc.disable()
    try:
        return _detect(clone or look_around(root, environ=environ))
    finally:
        if collects:
            gc.enable()


def _detect(clone: Clone) -> Proposal:
    code = Code(
        clone.tree,
        clone.app,
        clone.settings.module,
        _committed(clone.files),
        _guesses(clone.files),
        tuple(environments(clone.tree)),
        _programs_of(clone),
        worker_words(),
    )
    base = evaluate(code, {}, thorough=True)
    switches = find_switches(clone, code, base)
    values = {name: v.value or "" for name, v in switches.items()}
    if switches:
        base = evaluate(code, values, thorough=True)
    kept = stores.kept_in_files(clone.tree, clone.app, base, clone.packages)
    if kept:
        switches = {**kept, **switches}
        values = {name: v.value or "" for name, v in switches.items()}
        base = evaluate(code, values, thorough=True)
    files = stores.find_databases(clone.tree, clone.app, base).databases
    served = find_services(clone, code, base, values, [file.name for file in files])
    elsewhere = _run_elsewhere(clone, code, {**values, **served.probes}) or served.run
    return assemble(clone, switches, served, elsewhere)


def _programs_of(clone: Clone) -> tuple[str, ...]:
    """Return the files that the Procfile's commands (else the likeliest start command) run; () with a framework."""
    tree, app = clone.tree, clone.app
    if app.framework:
        return ()
    if clone.procfile is not None:
        commands = [entry.command for entry in clone.procfile.processes()]
    else:
        shown = (
            *filter(None, [image_command(tree, app)]),
            *start_commands(tree, app),
            *filter(None, [the_program(tree, app)]),
        )
        commands = [command for command, _ in shown[:1]]
    files = (file_of(tree, app, plain_command(command)) for command in commands)
    return tuple(dict.fromkeys(filter(None, files)))


def _run_elsewhere(clone: Clone, code: Code, given: Mapping[str, str]) -> Run | None:
    """Evaluate the code without env files that only this machine has, as in another clone; None if there are none."""
    if not clone.files.local:
        return None
    environ = {name: text for name, text in code.environ.items() if name not in clone.files.local}
    return evaluate(replace(code, environ=environ, focus={}, done={}), given, thorough=True)


def _committed(files: EnvFiles) -> dict[str, str]:
    return {name: variable.text for name, variable in files.committed.items()}


def _guesses(files: EnvFiles) -> dict[str, str]:
    """Return values of variables from templates, without placeholders, except for URLs, whose form is of use."""
    return {
        name: variable.text
        for name, variable in files.examples.items()
        if variable.text and ("://" in variable.text or not variable.is_placeholder)
    }


# -- the proposal ----------------------------------------------------------------------------------------------------


def assemble(clone: Clone, switches: Mapping[str, Variable], served: Services, elsewhere: Run) -> Proposal:
    """Assemble the proposed manifest; `elsewhere` is the evaluation without this machine's own env files."""
    app, tree, run = clone.app, clone.tree, served.run
    found = stores.find_databases(tree, app, run, served.known)
    databases = (*found.databases, *served.databases)
    names = tuple(item.name for item in databases)
    tasks, task_notes = _tasks(clone, run, served, names)
    processes, procfile_notes, program = _processes(clone, run)
    commands = tuple(_commands(clone, processes))
    front = _front_end(clone, processes, commands)
    if front is not None:
        processes = [*_with_ports(processes, commands, front.ports), front.process]
        commands = tuple(_commands(clone, processes))
    node = find_node(tree, app.root, commands)
    tasks += node.tasks
    env_files, file_notes = _env_files(clone, run)
    own = clone.framework.variables(clone, (*(each.command or "" for each in processes), *(each.run for each in tasks)))
    env = _env(clone, (run, elsewhere), switches, served, processes, env_files, own)
    env = _with_port(env, clone, run, processes)
    env = with_origins(env, front.process.name) if front is not None else env
    notes = [
        *clone.notes,
        *served.notes,
        *found.notes,
        *procfile_notes,
        *task_notes,
        *(front.notes if front is not None else ()),
        *file_notes,
        *other_services(clone, found.servers | served.known),
        *absent(clone, run),
        *made_up(env),
        *_kept_back(clone, env),
        *unused_examples(clone, run, env),
        *broken(clone),
        *neighbours(clone),
        *(note for each in (clone.framework, *TOOLS) for note in each.notes(clone, tasks, names)),
        *(left_to_itself(tree, app.root, commands) if app.framework else ()),
    ]
    services, version_notes = with_versions(served.services, clone.compose)
    notes += version_notes
    databases, tasks = with_first_data(clone, services, databases, tasks)
    read = _read_env_files(clone, env_files)
    notes += left_out(clone, services, processes, databases, tasks, read)
    python, driver_notes = with_drivers(clone, env)
    notes += driver_notes
    python = replace(python, hosts=tuple(sorted(served.hosts)))
    folder = common_folder([*(process.cwd for process in processes), *(task.cwd for task in tasks)])
    return Proposal(
        root=clone.root,
        name=clone.root.name,
        framework=app.framework,
        framework_evidence=app.evidence,
        python=with_stated_version(tree, app, python, folder),
        packages=node.packages,
        services=services,
        databases=databases,
        env=env,
        env_files=env_files,
        tasks=tuple(tasks),
        procfile=posixpath.relpath(clone.procfile.path, app.root) if clone.procfile else None,
        lines=tuple(ProcfileLine(each.name, each.command) for each in clone.procfile.entries.values())
        if clone.procfile
        else (),
        processes=tuple(
            _unique(_with_program(processes, clone), (*(service.name for service in services), *names), tasks)
        ),
        notes=tuple(dict.fromkeys(notes)),
        program=(python_2(tree, app) if app.path or not (processes or clone.procfile) else None) or program,
        templates=tuple(
            (posixpath.relpath(template, app.root), posixpath.relpath(target, app.root))
            for template, target in run.found.templates
        ),
        globbed=tuple(tree.root / path for path in sorted(tree.listed)),
    )


def _front_end(clone: Clone, processes: list[Process], commands: tuple[tuple[str, str, str], ...]) -> Addition | None:
    """Return what the clone's front end adds to the proposal; None if the framework serves the pages itself."""
    is_for_development = clone.procfile is not None and clone.procfile.path.endswith(".dev")
    if not clone.app.framework or clone.framework.makes_pages or is_for_development:
        return None
    code = (clone.tree.text(path) or "" for path in sorted(clone.tree.read) if path.endswith(".py"))
    lines = (
        f"{name}={each.text}" for names in (clone.files.committed, clone.files.examples) for name, each in names.items()
    )
    return add_front_end(clone.tree, clone.app, processes, commands, (*code, *lines))


def _with_ports(
    processes: list[Process], commands: tuple[tuple[str, str, str], ...], ports: Mapping[str, int]
) -> list[Process]:
    """Return the processes, and additions to lines of the Procfile, with the ports that others expect."""
    known = {process.name for process in processes}
    extra = [Process(name, None, cwd) for name, cwd, _ in commands if name in ports and name not in known]
    return [replace(each, port=ports.get(each.name, each.port)) for each in (*processes, *extra)]


def _with_program(processes: list[Process], clone: Clone) -> list[Process]:
    """Return the processes with `python3` as program, for a clone without packages, which has no virtualenv."""
    if clone.python.requirements or clone.python.packages:
        return processes
    named = ((each, re.sub(r"^python(?=\s)", "python3", each.command or "")) for each in processes)
    return [replace(each, command=command) if command else each for each, command in named]


def _tasks(clone: Clone, run: Run, served: Services, databases: tuple[str, ...]) -> tuple[list[Task], list[Note]]:
    tree, app, procfile = clone.tree, clone.app, clone.procfile
    probes = dict(served.probes)
    if any(each.service == "postgres" for each in served.databases):
        probes.setdefault("DATABASE_URL", "postgresql://")  # the recipe sets it
    tasks = [redirected(tree, app, task, probes) for task in find_tasks(clone, run, databases)]
    notes = {task.name: note for task in tasks if (note := leads_elsewhere(tree, task)) is not None}
    tasks = [task for task in tasks if task.name not in notes]
    if procfile is None or procfile.release is None:  # the `release:` task runs without other tasks
        tasks = with_log_folders(tree, app, run, tasks)
    return tasks, [*notes.values()]


def _commands(clone: Clone, processes: list[Process]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, folder, command) of every process."""
    for process in processes:
        if process.command:
            yield process.name, process.cwd, process.command
    for entry in clone.procfile.processes() if clone.procfile else ():
        yield entry.name, ".", entry.command


def _with_port(env: tuple[Variable, ...], clone: Clone, run: Run, processes: list[Process]) -> tuple[Variable, ...]:
    """Return the variables with PORT added, the code's or framework's default port, which bookmarks use."""
    web = next((process for process in processes if process.command), None)
    known = {variable.name for variable in env} | set(clone.files.committed)
    if web is None or "$PORT" not in (web.command or "") or "PORT" in known:
        return env
    read = run.found.reads.get("PORT")
    default = str(read.default.data) if read is not None and read.default is not None else ""
    if default.isdecimal() and int(default) >= 1024:  # lower ports need root
        return (*env, Variable("PORT", value=default, evidence=read.place if read else None))
    if not clone.framework.port:
        return env
    why = Evidence(f"{clone.framework.name}'s default; another one if it is taken")
    return (*env, Variable("PORT", value=str(clone.framework.port), evidence=why))


def _unique(processes: list[Process], others: tuple[str, ...], tasks: list[Task]) -> list[Process]:
    """Return the processes renamed if a service, database or task has the same name."""
    taken = {"redis", *others, *(task.name for task in tasks)}
    found: list[Process] = []
    for process in processes:
        name = process.name
        while process.command and name in taken:
            name += "-process"
        taken.add(name)
        found.append(replace(process, name=name))
    return found


def _processes(clone: Clone, run: Run) -> tuple[list[Process], list[Note], Program]:
    """Return the processes, notes, and a program that no process runs."""
    procfile = clone.procfile
    if procfile is None:
        found = implied(clone, run)
        if not found and not clone.python.requirements:
            found = only_process(clone.tree, clone.app.root)
        has_packages = clone.python.requirements or clone.python.packages
        if found or not (has_packages or program_files(clone.tree, clone.app)):
            return found, [], Program()
        own = clone.framework.program(clone)
        note, program = nothing_to_run(clone.tree, clone.app, own, has_packages=bool(has_packages))
        return found, [note], program
    notes = describe(procfile, obstacles(clone.tree, clone.app.root, procfile))
    return list(_additions(clone, procfile)), notes, Program()


def _additions(clone: Clone, procfile: Procfile) -> Iterator[Process]:
    """Yield the settings that the Procfile's processes need on this machine.

    That is the folder of code that isn't in the root, and settings for development in place of those for production.
    """
    root, folder = clone.app.root, clone.app.folder
    for entry in procfile.processes():
        where = Evidence(procfile.path, entry.line)
        changed = with_port(clone.framework.for_development(clone, entry.command))
        command = changed if changed != entry.command else None
        if missing_folder(clone.tree, root, folder, entry.command):
            yield Process(entry.name, command, cwd_of(clone.app), None, where)
        elif is_imported_from(clone.tree, root, folder, entry.command):
            yield Process(entry.name, command, evidence=where, env={"PYTHONPATH": cwd_of(clone.app)})
        elif command:
            yield Process(entry.name, command, evidence=where)


def _env_files(clone: Clone, run: Run) -> tuple[tuple[str, ...] | None, list[Note]]:
    """Return further env files that the code or a command reads, and notes about missing ones.

    None stands for the usual env files.
    """
    wanted: dict[str, Evidence | None] = {}
    for path, where in _named_env_files(clone, run):
        inner = posixpath.relpath(posixpath.normpath(path), clone.app.root) if path else ""
        if inner and not re.search(r"prod|test|staging|example|sample", posixpath.basename(inner)):
            wanted.setdefault(inner, where)
    extra = {path: where for path, where in wanted.items() if path not in DEFAULT_FILES}
    missing = {p: where for p, where in extra.items() if not clone.tree.exists(posixpath.join(clone.app.root, p))}
    notes = [
        Note(f"`{path}` is read but not in the clone: {_origin(clone, path)}", where) for path, where in missing.items()
    ]
    usual = [*DEFAULT_FILES]
    if clone.tree.exists(posixpath.join(clone.app.root, overmind.FILE)):
        usual.insert(0, overmind.FILE)
    return ((*usual, *extra) if extra else None), notes


def _origin(clone: Clone, path: str) -> str:
    """Return advice on where the content of a missing env file comes from."""
    folder, name = posixpath.split(posixpath.join(clone.app.root, path))
    templates = (posixpath.normpath(posixpath.join(folder, each)) for each in template_names(name))
    template = next((each for each in templates if clone.tree.exists(each)), "")
    return f"make it from {template}" if template else "put its variables there"


def _read_env_files(clone: Clone, env_files: tuple[str, ...] | None) -> frozenset[str]:
    """Return the env files that devboot will read, relative to the tree."""
    names = env_files if env_files is not None else DEFAULT_FILES
    return frozenset(posixpath.normpath(posixpath.join(clone.app.root, name)) for name in names)


def _named_env_files(clone: Clone, run: Run) -> Iterator[tuple[str, Evidence | None]]:
    """Yield (path relative to the tree, place) of env files that code, Procfile or direnv reads."""
    for loaded in run.found.loaded:
        yield loaded.path, loaded.place
    for entry in clone.procfile.processes() if clone.procfile else ():
        for name in env_files_in(entry.command):
            yield (
                posixpath.join(clone.app.root, name),
                Evidence(clone.procfile.path if clone.procfile else "", entry.line),
            )
    envrc = posixpath.normpath(posixpath.join(clone.app.root, ".envrc"))
    text = clone.tree.text(envrc) or "" if clone.tree.exists(envrc) else ""
    for match in ENVRC.finditer(text):
        if "venv" not in match[1]:
            yield posixpath.join(clone.app.root, match[1]), Evidence.at(envrc, match, 1)


def _env(
    clone: Clone,
    runs: tuple[Run, Run],
    switches: Mapping[str, Variable],
    served: Services,
    processes: list[Process],
    env_files: tuple[str, ...] | None,
    own: Mapping[str, Variable],
) -> tuple[Variable, ...]:
    run, elsewhere = runs
    committed = clone.files.committed
    found = dict(own)
    for name, text in served.values.items():
        found[name] = Variable(name, value=text, evidence=served.places.get(name))
    if _needs_url(processes, served):
        found.setdefault("REDIS_URL", Variable("REDIS_URL", value="${services.redis.url}"))
    found |= {name: variable for name, variable in switches.items() if name not in found}
    sources = _sources(clone, env_files)
    needed = _needed(clone, run, processes, sources)
    found |= {each.name: each for each in needed if each.name not in found}
    for need in _needs_of_others(clone, elsewhere, processes):
        described = describe_need(need, sources)  # a value here would override the file's
        found.setdefault(need.name, described if described.value is None else required_variable(need, sources))
    for name, variable in variables_of_image(clone.tree, clone.app.root).items():
        if name not in found and name not in committed:
            found[name] = variable
    for name, line in committed.items():
        text = local(name, line.text, sources.hosts)
        if text != line.text and name not in found and not may_be_secret(name, text):
            found[name] = Variable(name, value=text, evidence=Evidence(line.path, line.line))
    return tuple(found.values())


def _kept_back(clone: Clone, env: Collection[Variable]) -> Iterator[Note]:
    """Yield warnings about addresses of containers in env files that may be secret, so no manifest has them."""
    known, hosts = {each.name for each in env}, containers(clone)
    for name, line in clone.files.committed.items():
        text = local(name, line.text, hosts)
        if text != line.text and name not in known and may_be_secret(name, text):
            note = f"`{name}` leads to a container, and may be secret: put 127.0.0.1 for its host into {line.path}"
            yield Note(note, Evidence(line.path, line.line), warns=True)


def _needed(clone: Clone, run: Run, processes: list[Process], sources: Sources) -> Iterator[Variable]:
    """Yield entries of `[env]` for variables that the application needs and no committed file sets."""
    committed = clone.files.committed
    for need in needs_of(clone, run, processes):
        is_set = need.name in committed and bool(committed[need.name].text.strip() or need.cast not in PARSED)
        if not is_set:
            yield for_another_stage(clone.tree, need, describe_need(need, sources), run.names)
    for need in needs_of_node(clone):
        described = describe_need(need, sources)
        if not described.required and need.name not in committed:
            yield described


def _needs_of_others(clone: Clone, elsewhere: Run, processes: list[Process]) -> Iterator[Need]:
    """Yield the variables that the application needs and that only an untracked env file sets: other clones lack it."""
    if clone.files.local:
        yield from (need for need in needs_of(clone, elsewhere, processes) if need.name in clone.files.local)


def _needs_url(processes: list[Process], served: Services) -> bool:
    return "redis" in served.known and any("$REDIS_URL" in (process.command or "") for process in processes)


def _sources(clone: Clone, env_files: tuple[str, ...] | None) -> Sources:
    tree = clone.tree
    uses_fernet = any("Fernet" in (tree.text(path) or "") for path in sorted(tree.read) if path.endswith(".py"))
    special = [name for name in env_files or () if name not in DEFAULT_FILES]
    file = ".env" if not special or _loads_default(clone) else special[0]
    heroku = read_app_json(tree, clone.app.root)
    # app.json describes production, so it is only used if nothing else has a value
    described = {each.name: each for each in heroku.values if not re.search(r"prod|^false$", each.text, re.IGNORECASE)}
    return Sources(
        {**described, **clone.files.examples},
        clone.compose.variables(),
        containers(clone),
        uses_fernet,
        file,
        secrets=heroku.secrets,
        is_web=bool(clone.app.framework),
    )


def _loads_default(clone: Clone) -> bool:
    return any(path.endswith(".env.example") for path in clone.files.example_paths)
