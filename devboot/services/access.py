"""Sets up access control of a server: writes its password files, and runs a step once.

The files are in a folder of the data folder, mode 0600, owned by the user that the server runs as.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator

from devboot.errors import WorkError
from devboot.files import atomic_write, machine_error
from devboot.model.process import FailureHint
from devboot.services import steps
from devboot.services.first import own
from devboot.services.plan import ACCESS, AccessStep, Service
from devboot.services.steps import run_step
from devboot.uv.child import Lease, TimedOut

_TAKEN = "taken"  # file with the digest of the step that succeeded last
_SHOWN = 4


def write_files(service: Service) -> None:
    """Write the files of the access mode (private or open), and delete those of the other. Raises MachineError."""
    folder = _folder(service)
    wanted = dict(service.files)
    if not wanted and service.step is None and not os.path.lexists(folder):
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chmod(folder, 0o700)
        own(service, folder)
        kept = {*wanted, *((_record(service),) if service.step is not None else ())}
        for name in os.listdir(folder):
            if (path := os.path.join(folder, name)) not in kept:
                os.unlink(path)
    except OSError as error:
        raise machine_error(error, folder) from error
    for path, content in wanted.items():
        atomic_write(path, content.encode(), mode=0o600, sync=False)
        try:
            own(service, path)
        except OSError as error:
            raise machine_error(error, path) from error


def take_step(service: Service, lease: Lease | None = None) -> None:
    """Run the command that sets up access, such as creating a user, unless it has succeeded for this data before.

    Raises WorkError `service/access` and MachineError.
    """
    step = service.step
    if step is None or _is_taken(service, step):
        return
    try:
        code, lines = run_step(step.argv, step.env, "/", step.input, lease)
    except TimedOut as error:
        raise _failed(service, [f"it was not done within {steps.SECONDS:.0f} s"]) from error
    except OSError as error:
        raise machine_error(error, service.data) from error
    text = "\n".join(lines)
    if code or (step.refused and re.search(step.refused, text)):
        causes = lines[-_SHOWN:] or [f"exit code {code}"]
        hint = next((each for each in service.spec.failure_hints if re.search(each.pattern, text)), None)
        raise _failed(service, causes) if hint is None else _explained(service, hint, causes)
    atomic_write(_record(service), _digest(step).encode(), mode=0o600)


def made_before_start(service: Service) -> Iterator[str]:
    """Yield the paths of files without which the server would refuse all clients, or admit all."""
    yield from (path for path, _ in service.files)
    if service.step is not None:
        yield _record(service)


def _folder(service: Service) -> str:
    return os.path.join(service.data, ACCESS)


def _record(service: Service) -> str:
    return os.path.join(_folder(service), _TAKEN)


def _is_taken(service: Service, step: AccessStep) -> bool:
    try:
        with open(_record(service), encoding="ascii") as stream:
            return stream.read() == _digest(step)
    except (OSError, ValueError):
        return False


def _digest(step: AccessStep) -> str:
    return hashlib.sha256("\0".join((*step.argv, step.input)).encode("utf-8", "surrogateescape")).hexdigest()


def _explained(service: Service, hint: FailureHint, causes: list[str]) -> WorkError:
    """Return the error of the recipe for a server's log line that matches a failure hint."""
    kept = ["nothing was started", f"`{service.data}`, with its data"]
    return WorkError(hint.slug, hint.what, causes=causes, help=[hint.help or f"devboot explain {hint.slug}"], kept=kept)


def _failed(service: Service, causes: list[str]) -> WorkError:
    name = service.spec.name
    return WorkError(
        "service/access",
        f"the password of `{name}` couldn't be set",
        causes=causes,
        help=[f'access = "open"  # in [services.{name}]: admits everyone on this machine'],
        kept=["nothing was started", f"`{service.data}`, with its data"],
    )
