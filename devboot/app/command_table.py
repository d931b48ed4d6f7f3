"""The table of all commands, from which the fast path, Typer, help and completions are built.

Plain values, standard library only. Sentences have no full stop. Values in capitals are placeholders.
"""

from __future__ import annotations

from devboot.record import Record

RUNNING, PREPARING, KEEPING, STARTING_OUT, SHELL = "Run", "Prepare", "Keep house", "Get to know", "Shell"
GROUPS = (RUNNING, PREPARING, KEEPING, STARTING_OUT, SHELL)


class Flag(Record):
    """A flag: all its spellings, the short one first; with a `metavar` it takes a value, else it is a switch."""

    names: tuple[str, ...]
    help: str
    metavar: str = ""
    multiple: bool = False
    common: bool = True  # help shows the common ones first


class Argument(Record):
    """A positional argument: `metavar` as help shows it; `kind` selects the values that shell completion offers."""

    metavar: str
    help: str
    kind: str = ""  # "process", "task", "slug", "topic", "shell", "check", "command"
    required: bool = False
    multiple: bool = False


class Command(Record):
    """A command of devboot. `fast` is the module that runs it before Typer is imported; "" if there is none."""

    name: str
    group: str
    help: str
    examples: tuple[tuple[str, str], ...]  # (what to type, what it does)
    flags: tuple[Flag, ...] = ()
    arguments: tuple[Argument, ...] = ()
    fast: str = ""
    passes_through: bool = False  # all arguments from the first one on belong to the command that it runs
    notes: tuple[str, ...] = ()  # further paragraphs of its help


HELP = Flag(("-h", "--help"), "show this help")
VERSION = Flag(("--version",), "print the version")

# Accepted before and after the command's name.
GLOBAL = (
    Flag(("-C",), "work as if started in the folder DIR", "DIR"),
    Flag(("-q", "--quiet"), "print errors only"),
    Flag(("-v", "--verbose"), "print more: commands and probes in ps, versions in doctor"),
    Flag(("--plain",), "one line per event, no redrawing; also for screen readers", common=False),
    Flag(("--no-color",), "no colours", common=False),
    Flag(("--no-input",), "never ask; fail, naming the flag that answers", common=False),
    Flag(("--no-pager",), "don't use a pager for long output", common=False),
    Flag(("--no-wait",), "don't wait for another devboot, or until processes are up", common=False),
    HELP,
    VERSION,
)

_UNTIL_UP = (
    (
        "Returns when each process is up, as `up -d` does, and each task has ended; if one fails, with the error and "
        "exit code 1. With `--no-wait` it returns as soon as they have been started."
    ),
)
BASE_PORT = Flag(("-p", "--base-port"), "the first process's port", "PORT", common=False)
PORT_STEP = Flag(("-P", "--port-step"), "distance between the ports of processes (default 100)", "COUNT", common=False)
JSON = Flag(("--json",), "machine-readable output")
LOCKED = Flag(("--locked",), "fail if devboot.lock is out of date")
FROZEN = Flag(("--frozen",), "use devboot.lock unchanged, even if it is out of date", common=False)
OFFLINE = Flag(("--offline",), "use only what is already on this machine", common=False)
FROM = Flag(("--from",), "start from a kit, without network", "KIT", common=False)

STORE_ACTIONS = ("list", "verify", "repair", "path")
STATE_ACTIONS = ("path", "list", "adopt")
RECIPE_ACTIONS = ("new", "update", "test")

_PROCESSES = Argument("NAME", "processes or services; `*` and `?` match", "process", multiple=True)
_SOME_PROCESSES = _PROCESSES._replace(required=True)

COMMANDS = (
    Command(
        "up",
        RUNNING,
        "Provision what the project needs, start everything and show its output",
        (
            ("devboot up", "everything, in the foreground; ctrl-c stops it"),
            ("devboot up -d", "return when all is ready, or print what failed"),
            ("devboot up web", "only web and its dependencies"),
            ("devboot up --dry-run", "show what would happen, change nothing"),
        ),
        (
            Flag(("-d", "--detach"), "leave it running in the background and return when it is ready"),
            Flag(("-n", "--dry-run"), "show what would be fetched, built and started; change nothing"),
            Flag(("--port",), "listen on PORT instead, `auto` for a free one", "NAME=PORT", multiple=True),
            LOCKED,
            JSON,
            Flag(("--no-deps",), "start only the named processes, not their dependencies", common=False),
            Flag(("--timings",), "show what the start waited for, and how long", common=False),
            Flag(("--no-menu",), "don't show the status line", common=False),
            Flag(("-x", "--except"), "leave out NAME", "NAME", multiple=True, common=False),
            Flag(
                ("-m", "--formation"),
                "how many of each process to run: worker=3,all=1",
                "NAME=COUNT",
                multiple=True,
                common=False,
            ),
            Flag(("-f", "--procfile"), "another Procfile", "PATH", common=False),
            Flag(("-e", "--env-file"), "other env-files, later ones win", "PATH", multiple=True, common=False),
            BASE_PORT,
            PORT_STEP,
            Flag(
                ("--wait-timeout",),
                "how long -d waits for readiness (default 60, longer for a busy process)",
                "SECONDS",
                common=False,
            ),
            Flag(("--runner",), "run the processes with honcho or overmind instead", "NAME", common=False),
            FROZEN,
            OFFLINE,
            FROM,
        ),
        (_PROCESSES,),
        notes=(
            (
                "`up -d` returns when every task has ended and every process is up: one with `ready`, a port or "
                "`$PORT` once its probe passes; a known server without a port once it listens; a worker of Celery, RQ, "
                "dramatiq, Huey or arq once it logs that it is ready; any other process once it has hardly used the "
                "processor for a second, which shows that its code is loaded, and after 10 s at the latest. With "
                "`ready` in devboot.toml it returns sooner."
            ),
            (
                "Then `/` of each web process is requested once: the status is printed after its address, and a server "
                "error (5xx) makes `up -d` exit with 1, unless `ready` in devboot.toml decides. So does a process that "
                'has exited with 0, unless it has `restart = "never"`. Everything else keeps running.'
            ),
            (
                "If another program binds a port that devboot has chosen, devboot chooses a new one: `up` prints which "
                "process moves where, and restarts whatever uses the address. An exact `port` or `--port` is refused "
                "instead, with the name of the program that holds it."
            ),
        ),
    ),
    Command(
        "down",
        RUNNING,
        "Stop everything and the background process too",
        (("devboot down", "stop this project"), ("devboot down --all", "stop all of your projects")),
        (
            Flag(("--all",), "every project of this user, as `devboot ps -a` lists them"),
            Flag(("--force",), "kill processes at once, without waiting for `stop_timeout`"),
        ),
        fast="devboot.app.commands.down",
    ),
    Command(
        "ps",
        RUNNING,
        "List processes: state, address, and why one isn't running",
        (
            ("devboot ps", "this project"),
            ("devboot ps -a", "all projects"),
            ("devboot ps -v", "also commands, dependencies and the last result of each probe"),
            ("devboot ps --json", "for programs"),
        ),
        (
            Flag(("-a", "--all"), "every project of this user"),
            Flag(("--watch",), "print again after each change, until ctrl-c; with --json one document a line"),
            JSON,
        ),
        fast="devboot.app.commands.ps",
    ),
    Command(
        "logs",
        RUNNING,
        "Show the output of processes, also of those that have ended",
        (
            ("devboot logs -f", "follow all of them"),
            ("devboot logs -n 100 web", "the last 100 lines of web"),
            ("devboot logs --grep Error 'web*'", "lines that contain a word, of several"),
        ),
        (
            Flag(("-f", "--follow"), "keep printing new lines"),
            Flag(("-n", "--lines"), "how many lines from the end of each (default 100)", "COUNT"),
            Flag(("--since",), "show lines from TIME on: 10m, 09:41, 2026-05-12T09:41", "TIME"),
            Flag(("--until",), "show lines up to TIME", "TIME", common=False),
            Flag(("--grep",), "show only lines that match a regular expression", "PATTERN"),
            Flag(("--no-prefix",), "don't show time and name", common=False),
            Flag(("--timestamps",), "show date and milliseconds", common=False),
            JSON,
        ),
        (_PROCESSES,),
        fast="devboot.app.commands.logs",
    ),
    Command(
        "start",
        RUNNING,
        "Start processes that were stopped or gave up",
        (("devboot start worker", "one"), ("devboot start 'web*' worker", "several")),
        (),
        (_SOME_PROCESSES,),
        notes=_UNTIL_UP,
        fast="devboot.app.commands.control",
    ),
    Command(
        "stop",
        RUNNING,
        "Stop processes, leaving the others running",
        (("devboot stop worker", "one"), ("devboot stop 'web*'", "all whose name starts with web")),
        (),
        (_SOME_PROCESSES,),
        fast="devboot.app.commands.control",
    ),
    Command(
        "restart",
        RUNNING,
        "Stop processes and start them again",
        (("devboot restart web", "one"), ("devboot restart 'web*' worker", "several")),
        (),
        (_SOME_PROCESSES,),
        notes=_UNTIL_UP,
        fast="devboot.app.commands.control",
    ),
    Command(
        "scale",
        RUNNING,
        "Run more or fewer of a process, leaving the others running",
        (("devboot scale worker=4", "worker.1 to worker.4"), ("devboot scale web=2 worker=1", "several")),
        (),
        (Argument("NAME=COUNT", "a process and how many of it", required=True, multiple=True),),
        notes=("Lasts until the next `up`, which goes back to the numbers in devboot.toml (or `-m`) and says so.",),
    ),
    Command(
        "attach",
        RUNNING,
        "Type into a process, as if it ran in this terminal",
        (("devboot attach web", "answer its debugger prompt; ctrl-p ctrl-q leaves"),),
        (),
        (Argument("NAME", "a process", "process", required=True),),
        fast="devboot.app.screen.console",
    ),
    Command(
        "run",
        RUNNING,
        "Run a task, or any command, in the project's environment",
        (
            ("devboot run test", "the task `test` of devboot.toml"),
            ("devboot run test -- -k login", "with more arguments"),
            ("devboot run -- ./manage.py shell", "any command"),
        ),
        (Flag(("--no-sync",), "do not bring the environment up to date first", common=False),),
        (
            Argument("TASK", "a task of devboot.toml", "task"),
            Argument("[--] ARGS", "the command, or more arguments of the task", multiple=True),
        ),
        fast="devboot.app.commands.run",
        passes_through=True,
        notes=("The exit code is the command's own; 128 plus the number for a signal.",),
    ),
    Command(
        "env",
        RUNNING,
        "Show the variables that processes get, and where each comes from",
        (
            ("devboot env", "a table; secrets are masked on a terminal"),
            ('eval "$(devboot env)"', "set them in this shell"),
            ("devboot env --json", "for programs; in a pipe with the passwords of services"),
        ),
        (
            JSON,
            Flag(("--show-secrets",), "show secrets instead of masking them"),
            Flag(("--direnv",), "lines for direnv's .envrc, which reload when devboot's files change", common=False),
        ),
        fast="devboot.app.commands.env",
        notes=("Shows the variables of the last `sync`, `up` or `run`, and warns if something has changed since.",),
    ),
    Command(
        "sync",
        PREPARING,
        "Provision what the project needs without starting anything",
        (("devboot sync", "lock, fetch, build"), ("devboot sync --check", "only check whether something is missing")),
        (
            Flag(("--check",), "change nothing; exit 1 when something is missing"),
            LOCKED,
            FROZEN,
            Flag(("--force",), "move a virtualenv aside that devboot did not make", common=False),
            OFFLINE,
            FROM,
        ),
        fast="devboot.app.fast.sync",
    ),
    Command(
        "lock",
        PREPARING,
        "Choose versions and write devboot.lock",
        (
            ("devboot lock", "add what devboot.toml requires and the lockfile lacks"),
            ("devboot lock --update redis", "update one package to its newest version"),
            ("devboot lock --check", "only check whether it is current"),
            ("devboot lock diff", "what has changed since the last commit"),
        ),
        (
            Flag(("--check",), "change nothing; exit 3 when it is stale"),
            Flag(("--update",), "choose a new version of NAME", "NAME", multiple=True),
            JSON,
            OFFLINE,
        ),
        (
            Argument("diff", "show what differs instead", "lock-action"),
            Argument("OLD", "a lockfile or a revision of git (default: HEAD)"),
            Argument("NEW", "a lockfile or a revision of git (default: devboot.lock as it is now)"),
        ),
        notes=("A lockfile with the marks of a merge conflict is resolved from both sides.",),
    ),
    Command(
        "pack",
        PREPARING,
        "Write a kit: one file that brings the project up on a machine without network",
        (
            ("devboot pack", "for machines like this one"),
            ("devboot pack --all-platforms -o shop.kit.tar", "for Linux and macOS, x86_64 and arm64"),
        ),
        (
            Flag(("--platform",), "for PLATFORM, such as macos-arm64", "PLATFORM", multiple=True),
            Flag(("--all-platforms",), "for every platform that the lock covers"),
            Flag(("-o", "--output"), "write it to FILE", "FILE"),
            Flag(("--with-data",), "include the project's SQLite databases with their content"),
            Flag(("--without-devboot",), "leave out devboot itself", common=False),
            LOCKED,
            JSON,
        ),
        notes=(
            "In a clone on the other machine: `devboot up --from KIT`.",
            "Contains packages, programs, devboot itself and the lock, each with its digest.",
            "Env-files and generated secrets are left out.",
        ),
    ),
    Command(
        "export",
        PREPARING,
        "Write service files that run the project under another supervisor",
        (
            ("devboot export systemd deploy", "units and scripts into the folder `deploy`"),
            ("devboot export supervisord deploy -m worker=4", "with four workers"),
            ("devboot export runit /srv/shop -x redis", "without the service, which is provided elsewhere"),
        ),
        (
            Flag(("-m", "--formation"), "how many of each process to run: worker=3,all=1", "NAME=COUNT", multiple=True),
            Flag(("-x", "--except"), "leave out NAME", "NAME", multiple=True),
            Flag(("--user",), "user that runs it (default: you)", "NAME"),
            Flag(("--app",), "name of the application in the files (default: the project's)", "NAME"),
            Flag(("--log",), "folder for log files, if the supervisor writes them (default /var/log/APP)", "DIR"),
            Flag(("--force",), "move files aside that devboot did not write"),
            Flag(("--templates",), "a folder with templates to use instead of honcho's", "DIR", common=False),
            Flag(("-f", "--procfile"), "another Procfile", "PATH", common=False),
            Flag(("-e", "--env-file"), "other env-files, later ones win", "PATH", multiple=True, common=False),
            BASE_PORT,
            PORT_STEP,
        ),
        (
            Argument("FORMAT", "systemd, supervisord, runit or upstart", "format", required=True),
            Argument("FOLDER", "where to write", required=True),
        ),
        notes=(
            "Each process is a script in FOLDER/bin that only you may read: its folder, variables and command.",
            "The service files run these scripts. Secrets are in no other file.",
        ),
    ),
    Command(
        "generations",
        PREPARING,
        "List earlier environments of the project, to compare them or go back to one",
        (("devboot generations", "the newest first; a star marks the current one"),),
        (JSON,),
        notes=(
            "A generation is the environment that a successful `sync` or `up` has composed. `gc` keeps the last ten.",
        ),
    ),
    Command(
        "diff",
        PREPARING,
        "Show what differs between two generations",
        (
            ("devboot diff", "what the last sync has changed"),
            ("devboot diff 3", "what has changed since generation 3"),
            ("devboot diff 3 5", "what has changed from 3 to 5"),
        ),
        (JSON,),
        (Argument("A", "number of the older one"), Argument("B", "number of the newer one")),
    ),
    Command(
        "rollback",
        PREPARING,
        "Switch back to an earlier generation: programs, .venv and variables",
        (
            ("devboot rollback", "to the one before the current one"),
            ("devboot rollback 3", "to generation 3"),
        ),
        (JSON, OFFLINE),
        (Argument("N", "number of a generation"),),
        notes=(
            "Your files stay as they are. It is used until one of them changes, or until `devboot sync`.",
            "Data of databases and services is not touched.",
        ),
    ),
    Command(
        "gc",
        KEEPING,
        "Remove programs from the store that nothing uses",
        (
            ("devboot gc", "remove, and print what stays and why"),
            ("devboot gc --dry-run", "only print what would be removed"),
            ("devboot gc --older-than 30d", "only what was made a month ago, or earlier"),
        ),
        (
            Flag(("-n", "--dry-run"), "change nothing"),
            Flag(("--older-than",), "keep what is younger: 30d, 12h, 90m", "AGE"),
            Flag(("--data",), "also remove data of projects that are gone: databases, secrets, backups"),
            JSON,
        ),
        notes=("Whatever projects, generations, running commands or processes use is always kept.",),
    ),
    Command(
        "state",
        KEEPING,
        "Show where devboot keeps logs and data of projects",
        (
            ("devboot state path", "the folder for logs, ports, generations of this project"),
            ("devboot state path --data", "the folder for data of services, secrets and backups"),
            ("devboot state list", "all projects, including deleted ones"),
            ("devboot state adopt NAME", "take over the data of a deleted project"),
        ),
        (Flag(("--data",), "the data folder instead of the state folder"), JSON),
        (
            Argument("ACTION", "path, list or adopt", "state-action", required=True),
            Argument("NAME", "a name that `list` shows"),
        ),
    ),
    Command(
        "store",
        KEEPING,
        "Show what is in the store, check it, repair it",
        (
            ("devboot store list", "its objects, and what uses them"),
            ("devboot store verify", "compare every byte with what was published"),
            ("devboot store repair", "fetch again what is damaged"),
            ("devboot store path redis", "where the Redis of this project is"),
        ),
        (JSON,),
        (
            Argument("ACTION", "list, verify, repair or path", "action", required=True),
            Argument("NAME", "objects, such as redis, redis@8.2 or the name that `list` shows", multiple=True),
        ),
    ),
    Command(
        "recipe",
        KEEPING,
        "Write, update and test the project's own recipes",
        (
            ("devboot recipe new just rust-just", "a recipe for the programs in the wheel rust-just"),
            ("devboot recipe update just", "query its sources, write versions.toml for all platforms"),
            ("devboot recipe test just", "test it on this machine"),
        ),
        (
            Flag(("--as",), "the product's version, if its program doesn't run here", "VERSION"),
            Flag(("--exclude-newer",), "`update` ignores versions newer than a date, or than `7 days`", "AGE"),
            JSON,
            Flag(("--offline",), "`test` skips the last level, which downloads", common=False),
        ),
        (
            Argument("ACTION", "new, update or test", "recipe-action", required=True),
            Argument("NAME", "the recipe", required=True),
            Argument("SOURCE", "`new`, `update`: a wheel, as rust-just or rust-just==1.59; `test`: a version"),
        ),
        notes=("Recipes are in the project's folder `recipes`; they replace bundled ones of the same name.",),
    ),
    Command(
        "init",
        STARTING_OUT,
        "Look at the clone and write a devboot.toml for it",
        (
            ("devboot init", "from what the clone contains"),
            ("devboot init --merge", "add to devboot.toml what it lacks, keeping its text"),
            ("devboot init --diff", "show what would be written"),
            ("devboot init --example", "a tiny working project instead"),
        ),
        (
            Flag(("--merge",), "add what an existing devboot.toml lacks; comments and order are kept"),
            Flag(("--diff",), "print a unified diff and write nothing"),
            Flag(("--example",), "write a tiny project: web, worker, redis, sqlite"),
        ),
        notes=("Nothing is overwritten, and none of the project's code is run.",),
    ),
    Command(
        "import",
        STARTING_OUT,
        "Turn a compose file into a devboot.toml, and report what became of each line",
        (
            ("devboot import", "compose.yaml with its override file, or the like"),
            ("devboot import deploy/dev.yaml", "another file"),
            ("devboot import -n", "only the report"),
            ("devboot import --check", "in CI: does devboot.toml still say what the compose file says?"),
        ),
        (
            Flag(("--merge",), "add what an existing devboot.toml lacks; comments and order are kept"),
            Flag(("--diff",), "print a unified diff and write nothing"),
            Flag(("-n", "--dry-run"), "print the report and write nothing"),
            Flag(("--check",), "write nothing; exit 1 and print what differs"),
            Flag(("--profile",), "import services of this compose profile, too; `*` for all", "NAME", multiple=True),
            JSON,
        ),
        (Argument("FILE", "compose files; later ones are merged into the first", multiple=True),),
        notes=(
            (
                "Known servers become services, containers with the project's own code become processes or tasks. The "
                "report has a line for each entry: native, approximated, left in Docker, or no equivalent."
            ),
            "`--check` ignores what only devboot.toml has. None of the project's code is run.",
        ),
    ),
    Command(
        "doctor",
        STARTING_OUT,
        "Check everything and print one command for each problem",
        (
            ("devboot doctor", "all checks; nothing is changed"),
            ("devboot doctor python ports", "some areas"),
            ("devboot doctor --fix", "run the fixes that devboot has, one by one"),
            ("devboot doctor --report shop.json", "everything that a maintainer needs, in one file"),
            ("devboot doctor --json", "for programs"),
        ),
        (
            JSON,
            Flag(("--list",), "list the areas and their checks"),
            Flag(("--strict",), "exit 1 for warnings too"),
            Flag(("--probe",), "import the project's code, and compare the addresses in its settings with what runs"),
            Flag(("--online",), "send a request to each source of packages"),
            Flag(("--fix",), "run each fix that devboot has, after a question"),
            Flag(("-y", "--yes"), "with --fix and --report: ask nothing"),
            Flag(("-n", "--dry-run"), "with --fix: list the fixes, change nothing"),
            Flag(("--report",), "write a report without secrets for a maintainer, after showing it", "FILE"),
            Flag(("--read",), "show a report that somebody else has written", "FILE"),
        ),
        (Argument("AREA", "areas or checks", "check", multiple=True),),
    ),
    Command(
        "explain",
        STARTING_OUT,
        "Explain an error: what it means, why it happens, what to do",
        (("devboot explain port/in-use", "the long form of `error[port/in-use]`"), ("devboot explain", "all slugs")),
        (),
        (Argument("SLUG", "the text in the brackets of the message", "slug"),),
    ),
    Command(
        "completions",
        SHELL,
        "Print the completion script for a shell",
        (
            ("devboot completions bash > ~/.local/share/bash-completion/completions/devboot", "bash"),
            ("devboot completions fish > ~/.config/fish/completions/devboot.fish", "fish"),
        ),
        (),
        (Argument("SHELL", "bash, zsh or fish", "shell", required=True, multiple=True),),
    ),
    Command(
        "help",
        SHELL,
        "Show help on a command or a topic",
        (("devboot help up", "a command"), ("devboot help exit-codes", "a topic")),
        (),
        (Argument("TOPIC", "a command, `exit-codes`, `environment` or `schema`", "topic"),),
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
