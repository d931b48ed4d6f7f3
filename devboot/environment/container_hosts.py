"""Lets Python programs of the virtualenv find servers under the names that they have among containers.

Code that connects to `db` or `redis://redis:6379` needs no change: a module `sitecustomize` on PYTHONPATH, outside the
clone, replaces the functions that look up names, for exactly the names in DEVBOOT_HOSTS.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from devboot.files import atomic_write, make_directories

NAMES = "DEVBOOT_HOSTS"
_FOLDER = "python"
_FILE = "sitecustomize.py"


def write_resolver(state: str, venv: str) -> str:
    """Write the module into a folder of the project's state, for programs of this virtualenv; returns the folder."""
    folder = os.path.join(state, _FOLDER)
    make_directories(folder)
    atomic_write(os.path.join(folder, _FILE), _MODULE.replace("@PREFIX@", repr(os.path.realpath(venv))))
    return folder


def as_variable(hosts: Collection[str]) -> str:
    """Return the names as the module reads them."""
    return ",".join(sorted(set(hosts)))


# Any Python may find it on its path, so its syntax is that of old ones; only the virtualenv's Python 3 does anything
_MODULE = '''\
"""Written by devboot: names of containers lead to this machine. `hosts` under [python] in devboot.toml lists them."""

import os
import sys

PREFIX = @PREFIX@


def replace_lookups(names):
    import _socket

    def led(host):
        text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
        return "127.0.0.1" if isinstance(text, str) and text.rstrip(".").lower() in names else host

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
    sys.meta_path.insert(0, Uvloop(led))


class Uvloop(object):
    """Has uvloop, which looks up names by itself, given an address instead."""

    def __init__(self, led):
        self.led = led

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
        led = self.led
        if loop is None:
            return
        connect, look_up = loop.create_connection, loop.getaddrinfo

        def create_connection(self, protocol_factory, host=None, *args, **kwargs):
            if kwargs.get("ssl") and host is not None:
                kwargs.setdefault("server_hostname", host)
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
    if os.environ.get("DEVBOOT_HOSTS") and os.path.realpath(sys.prefix) == PREFIX:
        replace_lookups(frozenset(os.environ["DEVBOOT_HOSTS"].split(",")))
    run_next()
'''
