"""SQLite: files made with what persists in them, migrations whole or not at all, a backup before each change."""

from devboot.environment.databases.backup import backup_database
from devboot.environment.databases.condition import WHOLE, examine, look_at, schema_cookie
from devboot.environment.databases.connection import refuse_locked
from devboot.environment.databases.pending import unapplied
from devboot.environment.databases.prepare import (
    Database,
    Prepared,
    Surroundings,
    aside_command,
    named,
    plan_database,
    prepare_database,
)

__all__ = [
    "WHOLE",
    "Database",
    "Prepared",
    "Surroundings",
    "aside_command",
    "backup_database",
    "examine",
    "look_at",
    "named",
    "plan_database",
    "prepare_database",
    "refuse_locked",
    "schema_cookie",
    "unapplied",
]
