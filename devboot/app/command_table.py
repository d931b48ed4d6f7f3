"""The one table of commands: the fast path, Typer, help and completions are all built from it.

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
    """A positional argument: `metavar` as help shows it; `kind` is what completion offers."""

    metavar: str
    help: str
    kind: str = ""  # "process", "task", "slug", "topic", "shell", "check", "command"
    required: bool = False
    multiple: bool = False


class Command(Record):
    """A command. `fast` is the module that carries it out before Typer is imported; empty if there is none."""

    name: str
    group: str
    help: str
    examples: tuple[tuple[str, str], ...]  # (what to type, what it does)
    flags: tuple[Flag, ...] = ()
    arguments: tuple[Argument, ...] = ()
    fast: str = ""
    passes_through: bool = False  # from its first argument on, everything is for the command that it runs
    notes: tuple[str, ...] = ()  # further paragraphs of its help


HELP = Flag(("-h", "--help"), "show this help")
VERSION = Flag(("--version",), "print the version")

# Work before and after the command's name.
GLOBAL = (
    Flag(("-C",), "work as if started in DIR", "DIR"),
    Flag(("-q", "--quiet"), "print errors only"),
    Flag(("-v", "--verbose"), "print more: commands and probes in ps, versions in doctor"),
    Flag(("--plain",), "one line per event, no redrawing; also for screen readers", common=False),
    Flag(("--no-color",), "no colours", common=False),
    Flag(("--no-input",), "never ask; fail with the flag that answers", common=False),
    Flag(("--no-pager",), "no pager for what is longer than the screen", common=False),
    Flag(("--no-wait",), "don't wait: for another devboot, or (restart) until it is up", common=False),
    HELP,
    VERSION,
)

_UNTIL_UP = (
    "Returns when each is up, as `up -d` does, and a task when it has ended; where one isn't, with the error and exit",
    "code 1. With `--no-wait` it returns when they have been spawned.",
)
BASE_PORT = Flag(("-p", "--base-port"), "the first process's port", "PORT", common=False)
PORT_STEP = Flag(("-P", "--port-step"), "how far apart their ports are (default 100)", "COUNT", common=False)
JSON = Flag(("--json",), "machine-readable output")
LOCKED = Flag(("--locked",), "fail if devboot.lock is out of date")
FROZEN = Flag(("--frozen",), "use devboot.lock unchanged, even if it is out of date", common=False)
OFFLINE = Flag(("--offline",), "use only what is already here", common=False)
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
            ("devboot up web", "only web and what it depends on"),
            ("devboot up --dry-run", "show what would happen, change nothing"),
        ),
        (
            Flag(("-d", "--detach"), "leave it running in the background and return when it is ready"),
            Flag(("-n", "--dry-run"), "show what would be fetched, built and started; change nothing"),
            Flag(("--port",), "listen on PORT instead, `auto` for a free one", "NAME=PORT", multiple=True),
            LOCKED,
            JSON,
            Flag(("--no-deps",), "only the named ones, not what they depend on", common=False),
            Flag(("--timings",), "show what the start waited for, and how long", common=False),
            Flag(("--no-menu",), "no line with keys at the bottom of the terminal", common=False),
            Flag(("-x", "--except"), "leave out NAME", "NAME", multiple=True, common=False),
            Flag(
                ("-m", "--formation"),
                "number of each process: worker=3,all=1",
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
                "how long -d waits for readiness (default 60, more for what works)",
                "SECONDS",
                common=False,
            ),
            Flag(("--runner",), "hand over to honcho or overmind instead", "NAME", common=False),
            FROZEN,
            OFFLINE,
            FROM,
        ),
        (_PROCESSES,),
        notes=(
            "`up -d` returns when every task that was due has ended and every process is up: one with `ready`, a port",
            "or `$PORT` once its probe passes; a known server without a port once it listens; a worker of Celery, RQ,",
            "dramatiq, Huey or arq once it writes that it is ready; any other after a second in which it lives and",
            "hardly uses the processor, which shows that its code is loaded, and at the latest after 10 s. With",
            "`ready` in devboot.toml it returns sooner.",
            "Then each web process is asked once for `/`: the answer stands behind its address, and an error of the",
            "server (5xx) ends `up -d` with exit code 1, unless `ready` in devboot.toml decides. So does a process",
            'that has ended with code 0, unless it says `restart = "never"`. Everything else keeps running.',
            "",
            "A port that devboot has chosen is replaced when another program binds it first: `up` prints which process",
            "moves where, and whatever has the address restarts. An exact `port` or `--port` is refused instead, with",
            "the program that has it.",
        ),
    ),
    Command(
        "down",
        RUNNING,
        "Stop everything and the background process too",
        (("devboot down", "stop this project"), ("devboot down --all", "stop every project of yours")),
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
            ("devboot ps -v", "also what each runs and needs, and what its probes saw last"),
            ("devboot ps --json", "for programs"),
        ),
        (
            Flag(("-a", "--all"), "every project of this user"),
            Flag(("--watch",), "again after each change, until ctrl-c; with --json one document a line"),
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
            ("devboot logs --grep Error 'web*'", "lines of some that have a word in them"),
        ),
        (
            Flag(("-f", "--follow"), "keep printing new lines"),
            Flag(("-n", "--lines"), "how many lines from the end of each (default 100)", "COUNT"),
            Flag(("--since",), "show lines from TIME on: 10m, 09:41, 2026-05-12T09:41", "TIME"),
            Flag(("--until",), "show lines up to TIME", "TIME", common=False),
            Flag(("--grep",), "only lines in which this regular expression is found", "PATTERN"),
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
        notes=("Lasts until the next `up`, which prints how it returns to the numbers of devboot.toml or `up -m`.",),
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
        notes=("Its exit code is the command's own, 128 and the number for a signal.",),
    ),
    Command(
        "env",
        RUNNING,
        "Show the variables that processes get, and where each comes from",
        (
            ("devboot env", "a table; secrets are masked on a terminal"),
            ('eval "$(devboot env)"', "take them into this shell"),
            ("devboot env --json", "for programs; in a pipe with the passwords of services"),
        ),
        (
            JSON,
            Flag(("--show-secrets",), "fill in what is masked"),
            Flag(("--direnv",), "lines for .envrc that also watch devboot's files", common=False),
        ),
        fast="devboot.app.commands.env",
        notes=("It shows what the last `sync`, `up` or `run` composed, and warns if something has changed since.",),
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
            ("devboot lock", "what devboot.toml asks for and the lockfile lacks"),
            ("devboot lock --update redis", "move one thing to its newest version"),
            ("devboot lock --check", "only check whether it is current"),
            ("devboot lock diff", "what has changed since the last commit"),
        ),
        (
            Flag(("--check",), "change nothing; exit 3 when it is stale"),
            Flag(("--update",), "choose anew for NAME", "NAME", multiple=True),
            JSON,
            OFFLINE,
        ),
        (
            Argument("diff", "say what differs instead", "lock-action"),
            Argument("OLD", "a lockfile or a revision of git (default HEAD)"),
            Argument("NEW", "a lockfile or a revision of git (default the file as it is)"),
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
            Flag(("--with-data",), "with the project's SQLite databases and all that is in them"),
            Flag(("--without-devboot",), "leave devboot itself out of it", common=False),
            LOCKED,
            JSON,
        ),
        notes=(
            "In a clone on the other machine: `devboot up --from KIT`.",
            "It holds packages, programs, devboot itself and the lock, each with its digest.",
            "Env-files and generated secrets stay out of it.",
        ),
    ),
    Command(
        "export",
        PREPARING,
        "Write service files for another supervisor, with all that devboot composed",
        (
            ("devboot export systemd deploy", "units and scripts into the folder `deploy`"),
            ("devboot export supervisord deploy -m worker=4", "with four workers"),
            ("devboot export runit /srv/shop -x redis", "without the service, which is provided elsewhere"),
        ),
        (
            Flag(("-m", "--formation"), "number of each process: worker=3,all=1", "NAME=COUNT", multiple=True),
            Flag(("-x", "--except"), "leave out NAME", "NAME", multiple=True),
            Flag(("--user",), "who is to run it (default: you)", "NAME"),
            Flag(("--app",), "what the files call the application (default: the project's name)", "NAME"),
            Flag(("--log",), "where supervisors that write files put them (default /var/log/APP)", "DIR"),
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
            "The service files run these scripts. Secrets stand nowhere else.",
        ),
    ),
    Command(
        "generations",
        PREPARING,
        "List what earlier syncs have made, to compare it or to go back to it",
        (("devboot generations", "the newest first; a star stands at the current one"),),
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
            "Your files stay as they are. It is used until one of them changes; `devboot sync` goes forward again.",
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
        notes=("What projects, generations, running commands and running processes use stays in any case.",),
    ),
    Command(
        "state",
        KEEPING,
        "Show where devboot keeps logs and data of projects",
        (
            ("devboot state path", "the folder for logs, ports, generations of this project"),
            ("devboot state path --data", "the folder for data of services, secrets and backups"),
            ("devboot state list", "all projects, those that are gone, too"),
            ("devboot state adopt NAME", "take over the data of a project that is gone"),
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
            ("devboot store list", "what it has, and who uses it"),
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
        "Write, bring up to date and try recipes of the project's own",
        (
            ("devboot recipe new just rust-just", "a recipe for what the wheel rust-just holds"),
            ("devboot recipe update just", "ask its sources, write versions.toml for all platforms"),
            ("devboot recipe test just", "try it on this machine"),
        ),
        (
            Flag(("--as",), "the product's version, where it can't be told here", "VERSION"),
            Flag(("--exclude-newer",), "`update` takes nothing newer: a date, or `7 days`", "AGE"),
            JSON,
            Flag(("--offline",), "`test` leaves out the last level, which fetches", common=False),
        ),
        (
            Argument("ACTION", "new, update or test", "recipe-action", required=True),
            Argument("NAME", "the recipe", required=True),
            Argument("SOURCE", "`new`, `update`: a wheel, as rust-just or rust-just==1.59; `test`: a version"),
        ),
        notes=("Recipes stand in the project's folder `recipes`; they come before bundled ones of the same name.",),
    ),
    Command(
        "init",
        STARTING_OUT,
        "Look at the clone and write a devboot.toml for it",
        (
            ("devboot init", "from what is there"),
            ("devboot init --merge", "add to devboot.toml what it lacks, its text stays as it is"),
            ("devboot init --diff", "show what either would write"),
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
        "doctor",
        STARTING_OUT,
        "Check everything and print one command for each problem",
        (
            ("devboot doctor", "all checks; nothing is changed"),
            ("devboot doctor python ports", "some areas"),
            ("devboot doctor --fix", "mend what devboot can mend, one by one"),
            ("devboot doctor --json", "for programs"),
        ),
        (
            JSON,
            Flag(("--list",), "name the areas and their checks"),
            Flag(("--strict",), "exit 1 for warnings too"),
            Flag(("--fix",), "carry out what devboot itself can mend, each after a question"),
            Flag(("-y", "--yes"), "with --fix: ask nothing"),
        ),
        (Argument("AREA", "areas or checks", "check", multiple=True),),
    ),
    Command(
        "explain",
        STARTING_OUT,
        "Explain an error: what it means, why it happens, what to do",
        (("devboot explain port/in-use", "the long form of `error[port/in-use]`"), ("devboot explain", "all slugs")),
        (),
        (Argument("SLUG", "what stands in the brackets of the message", "slug"),),
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
