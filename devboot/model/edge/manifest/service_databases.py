"""Parses a manifest and moves databases defined inside of a service to `[databases]`.

`[services.postgres.databases.default]` becomes `[databases.default]` with `service = "postgres"`. Places still point to
the original text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devboot.model.edge.toml.document import Document
from devboot.model.printable import printable

if TYPE_CHECKING:
    from devboot.errors import Place
    from devboot.model.edge.toml.locator import Path

SERVICES, DATABASES = "services", "databases"


class ManifestDocument(Document):
    """A parsed manifest, databases moved to `[databases]`. Raises ManifestError `manifest/duplicate-name`."""

    def __init__(self, text: str, file: str) -> None:
        self._moved: dict[Path, Path] = {}
        super().__init__(text, file)
        services = self.values.get(SERVICES)
        for name, table in services.items() if isinstance(services, dict) else ():
            inner = table.get(DATABASES) if isinstance(table, dict) else None
            if isinstance(inner, dict):
                del table[DATABASES]
                self._move(name, inner)

    def _move(self, service: str, inner: dict[str, Any]) -> None:
        databases = self.values.setdefault(DATABASES, {})
        for name, table in inner.items():
            written = (SERVICES, service, DATABASES, name)
            if not isinstance(databases, dict) or name in databases:
                what = f"`{printable(name)}` names two databases"
                raise self.error("duplicate-name", what, self.locator.entries[written].key, label="also here")
            if isinstance(table, dict) and "service" in table:
                where = self.locator.entries[(*written, "service")].key
                raise self.error(
                    "unknown-key", "unknown key `service`", where, label="it stands in its service already"
                )
            databases[name] = {**table, "service": service} if isinstance(table, dict) else table
            self._moved[DATABASES, name] = written

    def read_as(self, written: str, meant: Path) -> None:
        """Treat the table named `written` as if it was at the path `meant`, so that its content is checked."""
        value = self.values.pop(written)
        parts = {meant[1]: ((written,), value)} if meant[1:] else {k: ((written, k), v) for k, v in value.items()}
        known = self.values.setdefault(str(meant[0]), {})
        for name, (path, each) in parts.items():
            if isinstance(known, dict) and name not in known:
                known[name] = each
                self._moved[meant[0], name] = path

    def _written(self, path: Path) -> Path:
        written = self._moved.get(path[:2])
        return path if written is None else (*written, *path[2:])

    def place(self, path: Path, *, key: bool = False, label: str = "", context: bool = False) -> Place:
        """Like `Document.place`, mapped back to the table as written."""
        return super().place(self._written(path), key=key, label=label, context=context)

    def place_within(self, path: Path, token: str, part: str = "", *, label: str = "") -> Place:
        """Like `Document.place_within`, mapped back to the table as written."""
        return super().place_within(self._written(path), token, part, label=label)

    def written(self, path: Path) -> str:
        """Like `Document.written`, mapped back to the table as written."""
        return super().written(self._written(path))

    def line_of(self, path: Path) -> int:
        """Like `Document.line_of`, mapped back to the table as written."""
        return super().line_of(self._written(path))
