"""Downloads files: resumes partial ones, retries within a budget, and verifies digests before use."""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TypeVar

from devboot.events import NOTE, PROGRESS, RETRY, Event, Reporter
from devboot.files import fail_point, machine_error
from devboot.locks import TRANSFER, FileLock, Holder
from devboot.record import Record
from devboot.scratch import scratch_folder
from devboot.sources.transfers import transfer_errors as errors
from devboot.sources.transfers.http import PROTOCOL, SHORT, STATUS, Answer, Failure, Http
from devboot.sources.transfers.network import Network, host_of
from devboot.sources.transfers.partial import Partial
from devboot.sources.transfers.retries import RETRIED, Budget, Patience, parse_content_range, parse_retry_after
from devboot.sources.transfers.transfer import Download

_LARGEST = 8_000_000_000  # bytes, of a file of unknown size
_PERIOD, _LEAST = 0.1, 1 << 16  # seconds, or bytes, between two progress events
_LOCK_SECONDS = 3600.0

_T = TypeVar("_T")


class Clock(Record):
    """Time and random numbers for downloads: `monotonic` and `wall` in seconds, `random` from 0 to 1."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    random: Callable[[], float]


class Cancelled(Exception):  # noqa: N818  turned into an error where it is known whether the part is kept
    """Raised in a download that `Downloads.cancel` has aborted."""


class Downloads:
    """Downloads files to `<cache>/downloads/<sha256>`. Safe to call from several threads and processes at once.

    One process runs at most `parallel` transfers at the same time.
    """

    def __init__(
        self,
        cache: str,
        network: Network,
        clock: Clock,
        reporter: Reporter,
        *,
        is_offline: bool = False,
        patience: Patience = Patience(),  # noqa: B008  a frozen value
        parallel: int = 4,
    ) -> None:
        self._directory = os.path.join(cache, "downloads")
        self._http = Http(network)
        self._clock = clock
        self.reporter = reporter
        self._is_offline = is_offline
        self._patience = patience
        self._slots = threading.BoundedSemaphore(parallel)
        self.stopping = threading.Event()
        self._waiting: set[SimpleQueue[str | BaseException]] = set()
        self._all_http = [self._http]

    def through(self, network: Network) -> Downloads:
        """Return the same downloads with other network settings; limits and `cancel` are shared."""
        other = copy.copy(self)
        other._http = Http(network)  # noqa: SLF001  a copy of ourselves
        self._all_http.append(other._http)  # noqa: SLF001
        return other

    @property
    def is_offline(self) -> bool:
        """True if only files in the cache can be used."""
        return self._is_offline

    def has(self, sha256: str) -> bool:
        """Return whether the complete file is in the cache; computes its digest."""
        return _digest_of(self._path(sha256)) == sha256

    def fetch(self, wanted: Download) -> str:
        """Download the file unless it is in the cache, and return its path there. The file must not be changed.

        Raises:
            NetworkError: `network/unreachable`, `network/stalled`, `network/short-body`, `network/bad-range`,
                `network/http-NNN`, `network/tls`, `network/proxy`, `network/offline`.
            IntegrityError: `integrity/hash-mismatch`.
            MachineError: disk and permissions. BusyError: another process holds it for an hour.

        """
        return self._apart(lambda: self._fetch(wanted), is_kept=True)

    def read(self, wanted: Download, headers: Mapping[str, str], *, most: int) -> bytes:
        """Download a document of at most `most` bytes without storing it; `sha256` and `size` of `wanted` are ignored.

        Raises NetworkError as `fetch` does, and IntegrityError if it is larger.
        """
        found: list[bytes] = []

        def work() -> str:
            self._refuse_offline(wanted)
            found.append(self._tried(wanted, lambda: self._read(wanted, headers, most), lambda: 0))
            return ""

        self._apart(work, is_kept=False)
        return found[0]

    def measure(self, wanted: Download) -> Download:
        """Download a file of unknown digest; return `wanted` with digest and size. Raises the errors of `fetch`."""
        found: list[Download] = []

        def work() -> str:
            self._refuse_offline(wanted)
            with (
                scratch_folder() as place,
                Partial(os.path.join(place, "new")) as partial,
            ):
                self._tried(wanted, lambda: self._transfer(wanted, partial), lambda: partial.size)
                found.append(wanted._replace(sha256=partial.sha256, size=partial.size))
            return ""

        self._apart(work, is_kept=False)
        return found[0]

    def cancel(self) -> None:
        """Abort all downloads now: they raise NetworkError, and the next `fetch` resumes them."""
        self.stopping.set()
        for queue in tuple(self._waiting):
            queue.put(Cancelled())
        for http in self._all_http:
            http.cancel()

    def _apart(self, work: Callable[[], str], *, is_kept: bool) -> str:
        """Run `work` in a thread that can be abandoned, since a name lookup can't be interrupted; return its result.

        `is_kept` means that the next command continues a cancelled transfer.
        """
        queue: SimpleQueue[str | BaseException] = SimpleQueue()

        def run() -> None:
            try:
                queue.put(work())
            except BaseException as error:  # noqa: BLE001  raised again in the calling thread
                queue.put(error)

        self._waiting.add(queue)
        try:
            threading.Thread(target=run, daemon=True, name="transfer").start()
            ended = queue.get()
        finally:
            self._waiting.discard(queue)
        if isinstance(ended, Cancelled):
            raise errors.cancelled(is_kept=is_kept)
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def _fetch(self, wanted: Download) -> str:
        path = self._path(wanted.sha256)
        if self.has(wanted.sha256):
            return path
        self._refuse_offline(wanted)
        lock = FileLock(os.path.join(self._directory, "locks", wanted.sha256 + ".lock"), "download", TRANSFER)
        try:
            lock.acquire(timeout=_LOCK_SECONDS, waiting=lambda holder: self._waits(wanted, holder))
            with lock, self._slots:
                if not self.has(wanted.sha256):  # another process may have fetched it while we waited
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
                    with Partial(path) as partial:
                        if 0 < partial.size < wanted.size:
                            text = f"resuming at {100 * partial.size // wanted.size} %"
                            self.reporter.emit(Event(NOTE, wanted.step, text))
                        self._complete(wanted, partial)
                        partial.move_to(path)
                    fail_point("download/renamed")
        except OSError as error:
            raise machine_error(error, path) from error
        return path

    def _complete(self, wanted: Download, partial: Partial) -> None:
        """Download, with retries, until the file is complete, and verify the locked digest."""
        for may_begin_anew in (True, False):
            is_whole = 0 < wanted.size <= partial.size
            if not is_whole:
                self._tried(wanted, lambda: self._transfer(wanted, partial), lambda: partial.size)
            if partial.sha256 == wanted.sha256:
                return
            if not (partial.is_pieced and may_begin_anew):
                break
            partial.begin_anew()  # joined from two responses, each of which may be right
        raise errors.mismatch(wanted, partial, self._quarantine(wanted, partial))

    def _tried(self, wanted: Download, attempt: Callable[[], _T], size: Callable[[], int]) -> _T:
        began, budget = self._clock.monotonic(), Budget(self._patience, self._clock.random)
        while True:
            before = size()
            try:
                return attempt()
            except Failure as failure:
                asked = parse_retry_after(failure.retry_after, self._clock.wall()) if failure.retry_after else None
                wait = None if failure.is_final else budget.next_wait(has_new_bytes=size() > before, asked=asked)
                if wait is None or self.stopping.is_set():
                    seconds = self._clock.monotonic() - began
                    raise errors.failed(wanted, failure, budget.tries, seconds, size(), asked) from failure
                text = f"{failure.host}: {failure.cause}, trying again"
            self.reporter.emit(Event(RETRY, wanted.step, text))
            if self.stopping.wait(wait):
                raise Cancelled

    def _transfer(self, wanted: Download, partial: Partial) -> None:
        headers = {}
        if partial.size:
            headers["Range"] = f"bytes={partial.size}-"
            if validator := partial.validator(wanted.url):
                headers["If-Range"] = validator
        with self._http.get(wanted.url, headers, authorization=wanted.authorization) as answer:
            if answer.status == 416 and partial.size:
                if partial.sha256 != wanted.sha256:
                    partial.begin_anew()
                    raise Failure(PROTOCOL, "it has fewer bytes than are here", host_of(answer.url))
                return
            _refuse_status(answer)
            _place(answer, wanted, partial)
            partial.note(wanted.url, answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
            self._receive(wanted, partial, answer)

    def _receive(self, wanted: Download, partial: Partial, answer: Answer) -> None:
        length = answer.headers.get("content-length", "")
        announced = partial.size + int(length) if length.isdigit() else -1
        total = wanted.size if wanted.size >= 0 else announced
        limit = wanted.size if wanted.size >= 0 else _LARGEST
        tell = self._teller(wanted, total)
        tell(partial.size)
        for chunk in answer.chunks():
            partial.write(chunk)
            tell(partial.size)
            if self.stopping.is_set():
                raise Cancelled  # before the digest: the bytes are right but incomplete
            if partial.size > limit:
                return  # longer than the locked file: the digest check reports it
        is_open_ended = announced < 0 and "transfer-encoding" not in answer.headers
        if is_open_ended and partial.size < wanted.size and not errors.looks_like_html(partial.head()):
            raise Failure(SHORT, "the connection ended before the answer did", host_of(answer.url))

    def _teller(self, wanted: Download, total: int) -> Callable[[int], None]:
        told, at = -1, self._clock.monotonic()

        def tell(done: int) -> None:
            nonlocal told, at
            now = self._clock.monotonic()
            # by time and by size, so that a burst before a stall is shown, too
            if told < 0 or now - at >= _PERIOD or done == total or done - told >= max(total // 50, _LEAST):
                told, at = done, now
                self.reporter.emit(Event(PROGRESS, wanted.step, done=done, total=total, unit="bytes"))

        return tell

    def _read(self, wanted: Download, headers: Mapping[str, str], most: int) -> bytes:
        with self._http.get(wanted.url, headers, authorization=wanted.authorization) as answer:
            _refuse_status(answer)
            found = bytearray()
            for chunk in answer.chunks():
                found += chunk
                if len(found) > most:
                    raise errors.too_long(wanted, most)
            return bytes(found)

    def _quarantine(self, wanted: Download, partial: Partial) -> str:
        """Move a file with a wrong digest aside for inspection, one per wanted digest; return its path."""
        place = os.path.join(self._directory, "quarantine", wanted.sha256)
        partial.move_to(place)
        return place

    def _refuse_offline(self, wanted: Download) -> None:
        if self._is_offline:
            raise errors.offline(wanted)

    def _waits(self, wanted: Download, holder: Holder) -> None:
        who = holder.describe(self._clock.wall())
        self.reporter.emit(Event(NOTE, wanted.step, f"waiting for {who}", waits_for=who))

    def _path(self, sha256: str) -> str:
        return os.path.join(self._directory, sha256)


def _refuse_status(answer: Answer) -> None:
    if answer.status in (200, 206):
        return
    raise Failure(
        STATUS,
        f"it answered {answer.status}",
        host_of(answer.url),
        is_final=answer.status not in RETRIED,
        status=answer.status,
        retry_after=answer.headers.get("retry-after", ""),
        has_login=answer.has_login,
    )


def _place(answer: Answer, wanted: Download, partial: Partial) -> None:
    """Position `partial` at the first byte of the response. Raises Failure if the response has another range."""
    said = answer.headers.get("content-range")
    if answer.status == 200 and said is None:
        if partial.size:
            partial.begin_anew()
        return
    found = parse_content_range(said or "")
    fits = found is not None and found.start == partial.size > 0
    if found is not None and found.total >= 0 and wanted.size >= 0:
        fits = fits and found.total == wanted.size
    if answer.status == 206 and fits:
        partial.is_pieced = True
        return
    is_second = not partial.size  # no part was asked for
    partial.begin_anew()
    raise Failure(
        "range", "it sent another part of the file than was asked for", host_of(answer.url), is_final=is_second
    )


def _digest_of(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            found = os.fstat(stream.fileno())
            return _read_digest(path, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    except OSError:
        return ""


@functools.lru_cache(maxsize=256)
def _read_digest(path: str, stamp: tuple[int, ...]) -> str:  # noqa: ARG001  another stamp is another file
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
