"""Records the error of the last preparation, for `doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError
from devboot.supervisor.last_failure import PREPARATION, forget_failure, keep_failure


@contextmanager
def failure_on_record(state: str, mask: Callable[[str], str]) -> Iterator[None]:
    """Run a block.

    Store its DevbootError in the folder `state`, secrets masked, or delete the stored one on success.
    """
    try:
        yield
    except (WorkError, MachineError, NetworkError, IntegrityError) as error:
        with suppress(OSError, DevbootError):  # a full disk: then `doctor` can't report it later
            keep_failure(state, PREPARATION, WorkError(error.slug, mask(error.what)))
        raise
    forget_failure(state, PREPARATION)
