"""A fault server, and downloads that lose no time over it."""

import random
import time

import pytest

from devboot.events import NOTE, PROGRESS, RETRY, RecordingReporter
from devboot.sources.transfers.download import Clock, Downloads
from devboot.sources.transfers.network import network_of
from devboot.sources.transfers.retries import Patience
from tests.fakes.fault_server import FaultServer

HASTE = Patience(tries=4, most_tries=20, first_wait=0.001, longest_wait=0.001, all_waits=5.0)


class Client:
    """Downloads below a folder, and what they reported."""

    def __init__(self, folder, environ, *, patience=HASTE, is_offline=False, read_seconds=60.0):
        self.reporter = RecordingReporter()
        self.cache = str(folder / "cache")
        clock = Clock(time.monotonic, time.time, random.Random(1).random)
        network = network_of(environ)._replace(read_seconds=read_seconds)
        self.downloads = Downloads(self.cache, network, clock, self.reporter, is_offline=is_offline, patience=patience)
        self.fetch = self.downloads.fetch

    @property
    def retries(self):
        return [event.text for event in self.reporter.events if event.kind == RETRY]

    @property
    def notes(self):
        return [event.text for event in self.reporter.events if event.kind == NOTE]

    @property
    def progress(self):
        return [event for event in self.reporter.events if event.kind == PROGRESS]


@pytest.fixture
def server():
    found = FaultServer()
    yield found
    found.close()


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path, {"HOME": str(tmp_path)})
