"""Creates a service's data folder by the recipe's first step: under a temporary name, renamed when complete."""

from __future__ import annotations

import os
import shutil

from devboot.errors import MachineError, WorkError, shell_word
from devboot.files import fail_point, machine_error, sync_directory
from devboot.services import steps
from devboot.services.plan import DATA, FirstStep, Service
from devboot.services.steps import run_step
from devboot.uv.child import Lease, TimedOut

STAGED = ".new"


def make_data(service: Service, lease: Lease | None = None) -> bool:
    """Create the data folder if it is missing or empty; return whether it was created.

    Raises WorkError `service/init` if the step fails, MachineError `service/data-unreadable` for a folder with other
    content, which is left unchanged.
    """
    first = service.first
    assert first is not None
    if os.path.exists(os.path.join(service.data, first.creates)):
        return False
    refuse_other_content(service)
    staged = service.data + STAGED
    try:
        if os.path.isdir(staged):  # left by a step that was killed
            shutil.rmtree(staged)
        os.mkdir(staged, 0o700)
        own(service, staged)
        fail_point("service/staged")
        _run(service, first, staged, lease)
        fail_point("service/made")
        os.rename(staged, service.data)  # replaces an empty folder, if there is one
        sync_directory(os.path.dirname(service.data))
    except OSError as error:
        raise machine_error(error, service.data) from error
    return True


def own(service: Service, path: str) -> None:
    """Give a file or folder to the user that the service runs as. Raises OSError."""
    if service.account is not None:
        os.chown(path, service.account.uid, service.account.gid)


def _run(service: Service, first: FirstStep, staged: str, lease: Lease | None) -> None:
    argv = [word.replace(DATA, staged) for word in first.argv]
    try:
        code, lines = run_step(argv, first.env, staged, "", lease)
    except TimedOut as error:
        raise _failed(service, f"it was not done within {steps.SECONDS:.0f} s") from error
    if code or not os.path.exists(os.path.join(staged, first.creates)):
        raise _failed(service, *(lines[-4:] or [f"exit code {code}"]))


def _failed(service: Service, *causes: str) -> WorkError:
    return WorkError(
        "service/init",
        f"`{service.spec.name}` could not create its data folder",
        causes=causes,
        help=["devboot up"],
        kept=["nothing was started"],
    )


def refuse_other_content(service: Service) -> None:
    """Raise MachineError `service/data-unreadable` for a data folder whose content isn't from the first step."""
    first = service.first
    is_made = first is None or os.path.exists(os.path.join(service.data, first.creates))
    if first is not None and not is_made and os.path.isdir(service.data) and os.listdir(service.data):
        raise _something_else(service, first)


def _something_else(service: Service, first: FirstStep) -> MachineError:
    return MachineError(
        "service/data-unreadable",
        f"the data folder of `{service.spec.name}` has unexpected content",
        causes=[f"`{service.data}` isn't empty and has no `{first.creates}`"],
        help=[f"mv {shell_word(service.data)} {shell_word(f'{service.data}.aside')}"],
        kept=[f"`{service.data}`, unchanged"],
    )
