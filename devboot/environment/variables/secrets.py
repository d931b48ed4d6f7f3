"""Values that devboot generates once for each project and stores: session keys, passwords, tokens."""

from __future__ import annotations

import base64
import os
import secrets
import tomllib
import uuid
from collections.abc import Callable

from devboot.errors import MachineError, shell_word
from devboot.files import atomic_write, make_directories, plain

# Long enough for every framework's minimum (Django wants 50 characters with 5 different ones).
_MAKERS: dict[str, Callable[[], str]] = {
    "token": lambda: secrets.token_urlsafe(48),
    "hex": lambda: secrets.token_hex(32),
    "fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"),
    "password": lambda: secrets.token_urlsafe(18),
    "uuid": lambda: str(uuid.uuid4()),
}
KINDS = tuple(_MAKERS)


def secrets_file(data: str) -> str:
    """Return the path of the file with a project's generated values; `data` is its data folder."""
    return os.path.join(data, "secrets.toml")


def password_of(service: str) -> str:
    """Return the key under which the generated password of a service is stored; no variable can have that name."""
    return f"services.{service}.password"


def load_secrets(data: str) -> dict[str, str]:
    """Return the stored values, by variable or service.

    Raises MachineError if the file exists but is damaged: new keys would lock people out of data that the old ones
    encrypt.
    """
    path = secrets_file(data)
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


def ensure_secrets(data: str, wanted: dict[str, str]) -> dict[str, str]:
    """Return a value for each variable in `wanted` (name → kind); missing ones are generated and stored."""
    known = load_secrets(data)
    missing = {name: kind for name, kind in wanted.items() if name not in known}
    if missing:
        known |= {name: _MAKERS[kind]() for name, kind in missing.items()}
        make_directories(data)
        # Made-up values need no escapes: their alphabets hold neither quotes nor backslashes.
        lines = ["# Made by devboot, once. Keep it private; it is not in version control.\n"]
        lines += [f'"{name}" = "{known[name]}"\n' for name in sorted(known)]
        atomic_write(secrets_file(data), "".join(lines).encode(), mode=0o600)
    return {name: known[name] for name in wanted}
