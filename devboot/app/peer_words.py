"""Table of commands and flags of compose, overmind, honcho and foreman, with devboot's equivalents.

Imported only for a command line that can't be parsed. Nothing in it is run: it is printed as advice.
"""

from __future__ import annotations

_WATCH = "`watch` of a process in devboot.toml lists the files that restart it"
_RESTARTS = '`restart = "always"` of a process in devboot.toml restarts it'
_NAMES = "name them: `devboot up web worker`"
_NO_PORT = "leave it out: a process that doesn't use `$PORT` can ignore it"
_ALONE = "leave it out: a process that ends doesn't stop the others"

# Their command → ours, or a sentence with it.
COMMANDS = {
    "status": "devboot ps",
    "list": "devboot ps",
    "ls": "devboot ps -a",
    "top": "devboot ps --watch",
    "stats": "devboot ps --watch",
    "events": "devboot ps --watch",
    "port": "devboot ps",
    "exec": "devboot run",
    "shell": "devboot run",
    "install": "devboot sync",
    "setup": "devboot sync",
    "build": "devboot sync",
    "pull": "devboot sync",
    "create": "devboot sync",
    "update": "devboot lock --update NAME",
    "upgrade": "devboot lock --update NAME",
    "serve": "devboot up",
    "s": "devboot up",
    "wait": "devboot up -d",
    "config": "devboot up --dry-run",
    "convert": "devboot up --dry-run",
    "kill": "devboot down --force",
    "quit": "devboot down",
    "rm": "devboot down",
    "pause": "devboot stop NAME",
    "unpause": "devboot start NAME",
    "connect": "devboot attach NAME",
    "echo": "devboot logs -f",
    "check": "devboot doctor",
    "version": "devboot --version",
    "images": "devboot store list",
    "volumes": "devboot state path --data",
    "push": "devboot pack",
    "publish": "devboot pack",
    "watch": _WATCH,
    "cp": "processes run on this machine: copy with `cp`",
}

# (the command that it is typed after, "" for any; their flag) → our flag, or a sentence.
_TIMEOUT = "`stop_timeout` in devboot.toml is how long a process may take to stop"
_ALWAYS_CURRENT = "leave it out: `devboot up` installs and restarts whatever has changed"
_ENDS_ALL = "`exit_ends_all = true` in devboot.toml stops everything when that process ends"
_NO_CONTAINERS = "leave it out: there are no containers, and nothing stays behind"
_DATA = "leave it out: `devboot state path --data` prints the folder of the data, which only you delete"
FLAGS = {
    ("up", "--build"): _ALWAYS_CURRENT,
    ("up", "--force-recreate"): "`devboot restart '*'` restarts everything, `devboot up` whatever has changed",
    ("up", "--no-recreate"): _ALWAYS_CURRENT,
    ("up", "--no-build"): "--offline",
    ("up", "--pull"): _ALWAYS_CURRENT,
    ("up", "--quiet-pull"): "--quiet",
    ("up", "--no-start"): "`devboot sync` prepares everything and starts nothing",
    ("up", "--scale"): "--formation",
    ("up", "--concurrency"): "--formation",
    ("up", "-c"): "--formation",
    ("up", "--wait"): "--detach",
    ("up", "-w"): _WATCH,
    ("up", "--watch"): _WATCH,
    ("up", "--abort-on-container-exit"): _ENDS_ALL,
    ("up", "--abort-on-container-failure"): _ENDS_ALL,
    ("up", "--exit-code-from"): _ENDS_ALL,
    ("up", "--can-die"): _ALONE,
    ("up", "--any-can-die"): _ALONE,
    ("up", "--auto-restart"): _RESTARTS,
    ("up", "-r"): _RESTARTS,
    ("up", "--ignored-processes"): "--except",
    ("up", "--no-attach"): "--except",
    ("up", "--processes"): _NAMES,
    ("up", "-l"): _NAMES,
    ("up", "--attach"): "name them: `devboot logs -f web worker`",
    ("up", "--daemonize"): "--detach",
    ("up", "-D"): "--detach",
    ("up", "--port"): "--base-port",
    ("up", "--no-port"): _NO_PORT,
    ("up", "-N"): _NO_PORT,
    ("up", "--file"): "--procfile",
    ("up", "--env"): "--env-file",
    ("up", "--timeout"): _TIMEOUT,
    ("up", "-t"): _TIMEOUT,
    ("up", "--renew-anon-volumes"): _DATA,
    ("up", "-V"): _DATA,
    ("down", "--volumes"): _DATA,
    ("down", "--rmi"): "`devboot gc` removes programs that nothing uses",
    ("logs", "--tail"): "--lines",
    ("logs", "-t"): "--timestamps",
    ("logs", "--no-log-prefix"): "--no-prefix",
    ("logs", "--details"): "--timestamps",
    ("ps", "--services"): "--json",
    ("ps", "--format"): "--json",
    ("", "--tail"): "`devboot logs -f`",
    ("", "--timeout"): _TIMEOUT,
    ("", "-t"): _TIMEOUT,
    ("", "--remove-orphans"): _NO_CONTAINERS,
    ("", "--profile"): "name the processes: `devboot up web worker`",
    ("", "--root"): "-C",
    ("", "--app-root"): "-C",
    ("", "--project-directory"): "-C",
    ("", "-d"): "-C",
    ("", "--no-colour"): "--no-color",
    ("", "--no-ansi"): "--no-color",
}
