"""How a child is started: what it costs, and what it doesn't inherit."""

from __future__ import annotations

import signal

from devboot.supervisor.system.spawn import ignored_signals


def test_only_ignored_signals_are_reset_since_an_exec_resets_the_others():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        ignored = ignored_signals()
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGUSR1, before[1])

    assert signal.SIGHUP in ignored
    assert not {signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, signal.SIGSEGV} & set(ignored)
    assert len(ignored) <= 5  # each costs the child a system call; all 29 of them did
