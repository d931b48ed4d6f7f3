"""A network namespace with nothing but a loopback device: what a machine without network is to a program."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _IS_UP = 0x8913, 0x8914, 0x1


def dark(command: list[str]) -> list[str]:
    """The command line that runs `command` without network."""
    return [sys.executable, "-I", os.path.abspath(__file__), *command]


def is_possible() -> bool:
    """Whether this machine lets us: containers often don't."""
    if sys.platform != "linux":
        return False
    return subprocess.run(dark(["true"]), capture_output=True, timeout=60, check=False).returncode == 0


def _enter() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET if uid == 0 else _NEW_USER | _NEW_NET):
        sys.exit(f"no namespace: {os.strerror(ctypes.get_errno())}")
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack("16sh", fcntl.ioctl(control, _GET_FLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh", b"lo", flags | _IS_UP))


if __name__ == "__main__":
    _enter()
    os.execvp(sys.argv[1], sys.argv[1:])
