"""Writes a module `sitecustomize` that runs first in Python programs of the project's virtualenv, by PYTHONPATH.

It is outside of the clone, and also runs the `sitecustomize` of others.

- Container names: code that connects to `db` or `redis://redis:6379` needs no change. The functions that look up names
  are replaced, for exactly the names in DEVBOOT_HOSTS.
- Recording: missing variables, files and hosts are written to the file DEVBOOT_RECORD. See `recorder`.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from devboot.environment.observation import recorder
from devboot.files import atomic_write, make_directories, plain

HOSTS = "DEVBOOT_HOSTS"
_FOLDER = "python"
_RECORDER = "_devboot_recorder.py"


def startup_folder(state: str) -> str:
    """Return the folder, below the state folder, that contains the startup module."""
    return os.path.join(state, _FOLDER)


def write_startup(state: str, venv: str, root: str) -> str:
    """Write the startup module for programs of the virtualenv `venv` below the state folder; return its folder."""
    folder = startup_folder(state)
    make_directories(folder)
    module = _MODULE.replace("@PREFIX@", repr(os.path.realpath(venv))).replace("@ROOT@", repr(os.path.realpath(root)))
    _write_changed(os.path.join(folder, "sitecustomize.py"), module)
    with open(recorder.__file__, encoding="utf-8") as file:
        _write_changed(os.path.join(folder, _RECORDER), file.read())
    return folder


def _write_changed(path: str, text: str) -> None:
    """Write a file only if its text differs, so that Python's compiled form of it stays valid."""
    try:
        with open(path, encoding="utf-8", opener=plain) as file:
            if file.read() == text:
                return
    except (OSError, ValueError):
        pass
    atomic_write(path, text)


def as_variable(hosts: Collection[str]) -> str:
    """Return host names as the value of DEVBOOT_HOSTS: sorted, separated by commas."""
    return ",".join(sorted(set(hosts)))


# Any Python may find it on its path, so its syntax is that of old ones; only the virtualenv's Python 3 runs the rest
_MODULE = '''\
"""Written by devboot: names of containers lead to this machine (`hosts` under [python] in devboot.toml lists them),
and where there is no devboot.toml, what is asked for on a first start is recorded (DEVBOOT_OBSERVE=0: it isn't).
"""

import os
import sys

PREFIX, ROOT = @PREFIX@, @ROOT@


def leading_here(names):
    def led(host):
        text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
        return "127.0.0.1" if isinstance(text, str) and text.rstrip(".").lower() in names else host

    return led


def replace_lookups(led):
    import _socket

    def leading(original):
        def look_up(host, *args, **kwargs):
            return original(led(host), *args, **kwargs)

        return look_up

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        look_up = leading(getattr(_socket, name))
        loaded = sys.modules.get("socket")
        if loaded is not None and getattr(loaded, name, None) is getattr(_socket, name):
            setattr(loaded, name, look_up)
        setattr(_socket, name, look_up)


def record():
    """Record into the file of this process; None where nothing is to be recorded, or that fails."""
    path = os.environ.get("DEVBOOT_RECORD")
    if not path or sys.version_info < (3, 8):
        return None
    try:
        import _devboot_recorder

        return _devboot_recorder.start(path, ROOT, PREFIX)
    except Exception:
        return None


class Uvloop(object):
    """Has uvloop, which looks up names by itself, given an address instead, and what it connects to recorded."""

    def __init__(self, led, recorder):
        self.led = led
        self.recorder = recorder

    def note(self, kind, host, port):
        if self.recorder is not None and isinstance(port, int) and port:
            self.recorder.guard(getattr(self.recorder, kind), host, port)

    def find_spec(self, name, path=None, target=None):
        if name != "uvloop":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                self.replace(module)

            spec.loader.exec_module = exec_module
        return spec

    def replace(self, module):
        loop = getattr(module, "Loop", None)
        led, note = self.led, self.note
        if loop is None:
            return
        connect, look_up = loop.create_connection, loop.getaddrinfo

        def create_connection(self, protocol_factory, host=None, *args, **kwargs):
            if kwargs.get("ssl") and host is not None:
                kwargs.setdefault("server_hostname", host)
            note("connects_to", host, args[0] if args else kwargs.get("port"))
            return connect(self, protocol_factory, led(host), *args, **kwargs)

        def getaddrinfo(self, host, *args, **kwargs):
            return look_up(self, led(host), *args, **kwargs)

        loop.create_connection, loop.getaddrinfo = create_connection, getaddrinfo


def run_next():
    """Run the module of this name that would be found without this one."""
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.abspath(__file__))
    spec = PathFinder.find_spec("sitecustomize", [each for each in sys.path if os.path.abspath(each) != here])
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if sys.version_info >= (3, 5):
    if os.path.realpath(sys.prefix) == PREFIX:
        led, recorder = leading_here(frozenset(os.environ.get("DEVBOOT_HOSTS", "").split(","))), record()
        if os.environ.get("DEVBOOT_HOSTS"):
            replace_lookups(led)
        if os.environ.get("DEVBOOT_HOSTS") or recorder is not None:
            sys.meta_path.insert(0, Uvloop(led, recorder))
    run_next()
'''
