"""Checks of the machine, and devboot's version."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from devboot import snapshot as snapshots
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject, venv_folder
from devboot.errors import shell_word
from devboot.files import elsewhere
from devboot.supervisor.system import proctable
from devboot.text.units import duration, size

_LOW = 500_000_000  # bytes; a virtualenv with a few large wheels needs that much
_FULL = 50_000_000
_LARGEST_FILE = 1_000_000_000  # bytes; wheels and databases may be that large
_FEWEST_FILES = 256
_CLOCK_TOLERANCE = 3600.0  # seconds; times of a network drive differ a little
_SYSTEMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")}


def version(subject: Subject) -> Answer:
    """Report devboot's version and the Python interpreter it runs on."""
    interpreter = f"python {platform.python_version()} at {sys.executable}"
    return Answer((subject.version,), details=(interpreter,))


def system(subject: Subject) -> Answer:  # noqa: ARG001  the machine is the same for every project
    """Check that devboot supports the operating system and the processor."""
    name, processor = platform.system(), platform.machine()
    fact = f"{name.lower()} {processor}"
    if (name, processor) in _SYSTEMS:
        return Answer((fact,), details=(f"{platform.system()} {platform.release()}",))
    finding = Finding(
        "machine/unknown-platform",
        WARNING,
        f"devboot has not been tried on {fact}",
        "artifacts are published for linux and macos on x86_64 and arm64",
        Fix("devboot lock --check", "lists what is available for this machine"),
    )
    return Answer((fact,), (finding,))


def processes(subject: Subject) -> Answer:  # noqa: ARG001  the machine is the same for every project
    """Check that the kernel's process table can be read, which is needed to watch and end processes."""
    if proctable.is_there():
        return Answer()
    finding = Finding(
        "machine/no-proc",
        ERROR,
        "the kernel's table of processes can't be read",
        "nothing is mounted at /proc, and without it no process can be watched or ended",
        Fix("mount -t proc proc /proc", "as root"),
    )
    return Answer(findings=(finding,))


def space(subject: Subject) -> Answer:
    """Check the free space on the disks of the project and of the store."""
    free, where = min((_free(path), path) for path in (subject.project.root, subject.data) if path)
    fact = f"{size(free)} free"
    if free >= _LOW:
        return Answer((fact,))
    finding = Finding(
        "machine/disk-full" if free < _FULL else "machine/disk-low",
        ERROR if free < _FULL else WARNING,
        f"only {size(free)} are free where `{where}` is",
        "downloads, virtualenvs and databases need space; a full disk cuts writes off half way",
        Fix(f"du -xh -d 1 {shell_word(where)} | sort -h | tail", "shows what takes the space"),
    )
    return Answer((fact,), (finding,))


def inodes(subject: Subject) -> Answer:
    """Check that the filesystems of the project and of devboot's folders have room for more files."""
    for path in (subject.project.root, subject.data, subject.state):
        room = os.statvfs(_existing(path)) if path else None
        if room is not None and room.f_files and not room.f_favail:
            finding = Finding(
                "machine/no-inodes",
                ERROR,
                f"no inodes are left where `{path}` is",
                "no file can be created there, although there may be free space",
                Fix(f"df -i {shell_word(path)}", "shows how many are used; many small files use them up"),
            )
            return Answer(findings=(finding,))
    return Answer()


def noexec(subject: Subject) -> Answer:
    """Check that programs can be started from the virtualenv; `up` itself checks the store."""
    venv = venv_folder(subject)
    if os.path.isdir(venv) and os.statvfs(venv).f_flag & getattr(os, "ST_NOEXEC", 0):
        finding = Finding(
            "machine/noexec",
            WARNING,
            f"programs can't be run from `{venv}`",
            "commands of packages end with `permission denied`, and compiled packages can't be imported",
            Fix(elsewhere(subject.project.lock, "/a/path/where/programs/run")),
            ("its filesystem is mounted with `noexec`",),
        )
        return Answer(findings=(finding,))
    return Answer()


def clock(subject: Subject) -> Answer:
    """Check that the system clock isn't behind the time of the project's last command."""
    try:
        last = os.stat(os.path.join(subject.project.state, snapshots.NAME)).st_mtime
    except OSError:
        return Answer()
    if subject.now > last - _CLOCK_TOLERANCE:
        return Answer()
    finding = Finding(
        "machine/clock",
        WARNING,
        f"the clock is {duration(last - subject.now)} behind the last command in this project",
        "certificates count as not yet valid, and edited files as older than what was made of them",
        Fix("sudo timedatectl set-ntp true", "sets the clock by the network"),
    )
    return Answer(findings=(finding,))


def limits(subject: Subject) -> Answer:  # noqa: ARG001  the shell's limits are the same for every project
    """Check the shell's resource limits that would stop servers or truncate files."""
    from resource import RLIM_INFINITY, RLIMIT_FSIZE, RLIMIT_NOFILE, getrlimit

    largest, files = getrlimit(RLIMIT_FSIZE)[0], getrlimit(RLIMIT_NOFILE)[1]
    findings = []
    if largest not in (RLIM_INFINITY, -1) and largest < _LARGEST_FILE:
        findings.append(
            Finding(
                "machine/file-size-limit",
                WARNING,
                f"no file may be larger than {size(largest)} in this shell",
                "downloads and databases are cut off there, and servers end with SIGXFSZ",
                Fix("ulimit -f unlimited", "if the shell refuses, in a new one"),
            )
        )
    if files not in (RLIM_INFINITY, -1) and files < _FEWEST_FILES:
        findings.append(
            Finding(
                "machine/no-descriptors",
                WARNING,
                f"a program may open only {files} files in this shell",
                "servers refuse connections, or don't start",
                Fix(f"ulimit -n {_FEWEST_FILES}", "if the shell refuses, in a new one"),
            )
        )
    return Answer(findings=tuple(findings))


def terminal(subject: Subject) -> Answer:
    """Report size and encoding of the terminal."""
    stream = subject.terminal
    shown = f"terminal {stream.columns}x{stream.rows}" if stream.terminal else "no terminal"
    return Answer((shown, stream.encoding), details=(f"TERM {subject.environ.get('TERM', 'not set')}",))


def superuser(subject: Subject) -> Answer:
    """Warn if root runs devboot in another user's project: its files would belong to root."""
    owner = os.stat(subject.project.root).st_uid
    if subject.uid != 0 or owner == 0:
        return Answer()
    finding = Finding(
        "machine/root",
        WARNING,
        "devboot runs as root in a project of another user",
        f"files would belong to root, and user {owner} could not change them",
        Fix(f"sudo -u '#{owner}' devboot doctor"),
    )
    return Answer(findings=(finding,))


def _free(path: str) -> int:
    return shutil.disk_usage(_existing(path)).free


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


CHECKS = (
    Check("version", "devboot", version),
    Check("system", "machine", system),
    Check("processes", "machine", processes),
    Check("space", "machine", space),
    Check("inodes", "machine", inodes),
    Check("noexec", "machine", noexec),
    Check("clock", "machine", clock),
    Check("limits", "machine", limits),
    Check("terminal", "machine", terminal),
    Check("superuser", "machine", superuser),
)
