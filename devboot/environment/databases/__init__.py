"""SQLite databases: created with their pragmas, migrated in transactions, and backed up before each change."""

from devboot.environment.databases.backup import backup_database, backups_of, copy_database
from devboot.environment.databases.condition import (
    LOGS,
    RESTORED,
    WHOLE,
    copied_with_logs,
    examine,
    kept_by_restoration,
    look_at,
    schema_cookie,
    stamps,
)
from devboot.environment.databases.connection import SIDE_FILES, refuse_irregular_files, refuse_locked
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
    "LOGS",
    "RESTORED",
    "SIDE_FILES",
    "WHOLE",
    "Database",
    "Prepared",
    "Surroundings",
    "aside_command",
    "backup_database",
    "backups_of",
    "copied_with_logs",
    "copy_database",
    "examine",
    "kept_by_restoration",
    "look_at",
    "named",
    "plan_database",
    "prepare_database",
    "refuse_irregular_files",
    "refuse_locked",
    "schema_cookie",
    "stamps",
    "unapplied",
]
