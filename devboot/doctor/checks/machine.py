"""Checks of the machine that devboot runs on, and devboot's own version."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.errors import shell_word
from devboot.supervisor.system import proctable
from devboot.text.units import size

_LOW = 500_000_000  # bytes; a virtualenv with a few large wheels needs that much
_FULL = 50_000_000
_SYSTEMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")}


def version(subject: Subject) -> Answer:
    """Report devboot's version and its interpreter."""
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
    Check("terminal", "machine", terminal),
    Check("superuser", "machine", superuser),
)
