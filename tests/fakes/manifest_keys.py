"""Every key of `[processes.*]`, `[tasks.*]` and `[services.*]` with a value, in TOML, that isn't its default."""

from __future__ import annotations

from devboot.model.edge.manifest import tables

PROCESS_KEYS = {
    "command": "'other'",
    "cwd": "'inner'",
    "depends_on": "['worker']",
    "port": "7000",
    "ready": "{ log = 'up' }",
    "alive": "{ exec = 'true' }",
    "restart": "'always'",
    "max_restarts": "7",
    "window": "'7s'",
    "watch": "['*.py']",
    "cascade": "true",
    "schedule": "'30s'",
    "instances": "2",
    "pty": "false",
    "stop_signal": "'SIGINT'",
    "stop_timeout": "'7s'",
    "stop_command": "'stop it'",
    "exit_ends_all": "true",
    "expected_exit": "[0, 7]",
    "env": "{ OWN = 'value' }",
}
TASK_KEYS = {
    "run": "'other'",
    "cwd": "'inner'",
    "inputs": "['*.sql']",
    "once": "true",
    "before": "['web']",
    "depends_on": "[]",
}
SERVICE_KEYS = {
    "recipe": "'valkey'",
    "version": "'7'",
    "port": "7000",
    "settings": "{ maxclients = 77 }",
    "source": "'wheel'",
    "access": "'open'",
    "databases": "{ stock = { user = 'ada' } }",
}
KEYS = {tables.Process: PROCESS_KEYS, tables.Task: TASK_KEYS, tables.Service: SERVICE_KEYS}
