"""Values that devboot makes up once for a project and keeps: session keys, passwords, tokens."""

from __future__ import annotations

import base64
import os
import secrets
import tomllib
import uuid
from collections.abc import Callable

from devboot.errors import MachineError, shell_word
from devboot.files import atomic_write, plain

# Long enough for every framework's minimum (Django wants 50 characters with 5 different ones).
_MAKERS: dict[str, Callable[[], str]] = {
    "token": lambda: secrets.token_urlsafe(48),
    "hex": lambda: secrets.token_hex(32),
    "fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"),
    "password": lambda: secrets.token_urlsafe(18),
    "uuid": lambda: str(uuid.uuid4()),
}
KINDS = tuple(_MAKERS)


def secrets_file(state: str) -> str:
    """Where a project's generated values stand; `clean` spares this folder."""
    return os.path.join(state, "data", "secrets.toml")


def load_secrets(state: str) -> dict[str, str]:
    """Return the values generated so far, by variable.

    Raises MachineError where the file is there but damaged: making up new keys in silence would lock people out of
    data that the old ones encrypt.
    """
    path = secrets_file(state)
    try:
        with open(path, "rb", opener=plain) as file:
            return {name: str(value) for name, value in tomllib.load(file).items()}
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MachineError(
            "env/secrets-damaged",
            "the file of generated secrets can't be read",
            causes=[f"{path}: {error}"],
            help=[
                f"restore it, or move it away to get new values: `mv {shell_word(path)} {shell_word(path + '.old')}`"
            ],
        ) from error


def ensure_secrets(state: str, wanted: dict[str, str]) -> dict[str, str]:
    """Return a value for each variable in `wanted` (name → kind), generating and keeping those that are missing."""
    known = load_secrets(state)
    missing = {name: kind for name, kind in wanted.items() if name not in known}
    if missing:
        known |= {name: _MAKERS[kind]() for name, kind in missing.items()}
        os.makedirs(os.path.dirname(secrets_file(state)), mode=0o700, exist_ok=True)
        # Made-up values need no escapes: their alphabets hold neither quotes nor backslashes.
        lines = ["# Made by devboot, once. Keep it private; it is not in version control.\n"]
        lines += [f'{name} = "{known[name]}"\n' for name in sorted(known)]
        atomic_write(secrets_file(state), "".join(lines).encode(), mode=0o600)
    return {name: known[name] for name in wanted}
