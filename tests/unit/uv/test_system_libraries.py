"""The table of system libraries: what it holds, how builds are read with it, and the commands that it gives."""

import re
import tomllib
from pathlib import Path

import pytest

from devboot.uv import system_libraries
from devboot.uv.failures import failure
from devboot.uv.system_libraries import complaint, known_libraries, libraries_of, what_is_lacking

TABLE = known_libraries()
# What builds said in their own words, one line for each library that has expressions
SAID = {
    "mysql": "/bin/sh: 1: mysql_config: not found",
    "mariadb": "MariaDB Connector/C is not installed",
    "python": "fatal error: Python.h: No such file or directory",
    "postgres": "Error: pg_config executable not found.",
    "ldap": "Modules/common.h:15:10: fatal error: lber.h: No such file or directory",
    "curl": "Could not run curl-config: [Errno 2] No such file or directory: 'curl-config'",
    "xmlsec": "pkgconfig: xmlsec1 not found",
    "libxml2": "etree.c:98:10: fatal error: libxml/xpath.h: No such file or directory",
    "odbc": "src/pyodbc.h:56:10: fatal error: sql.h: No such file or directory",
    "sybase": "fatal error: sybdb.h: No such file or directory",
    "kerberos": "/bin/sh: 1: krb5-config: not found",
    "ffi": "c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory",
    "openssl": "fatal error: openssl/opensslv.h: No such file or directory",
    "jpeg": "fatal error: jpeglib.h: No such file or directory",
    "zlib": "/usr/bin/ld: cannot find -lz: No such file or directory",
    "gobject": 'Dependency "girepository-2.0" not found, tried pkgconfig',
    "pango": "Package pangocairo was not found in the pkg-config search path.",
    "cairo": '../meson.build:31:12: ERROR: Dependency "cairo" not found, tried pkgconfig',
    "dbus": "No package 'dbus-1' not found",
    "gdal": "FileNotFoundError: [Errno 2] No such file or directory: 'gdal-config'",
    "geos": "geos-config: command not found",
    "sqlite": "fatal error: sqlite3.h: No such file or directory",
    "yaml": "ext/_yaml.h:2:10: fatal error: yaml.h: No such file or directory",
    "rdkafka": "fatal error: librdkafka/rdkafka.h: No such file or directory",
    "hdf5": "fatal error: hdf5.h: No such file or directory",
    "magic": "fatal error: magic.h: No such file or directory",
    "portaudio": "src/pyaudio/device_api.c:9:10: fatal error: portaudio.h: No such file or directory",
    "memcached": "fatal error: libmemcached/memcached.h: No such file or directory",
    "snappy": "fatal error: snappy-c.h: No such file or directory",
    "gmp": "src/gmpy2.h:82:12: fatal error: gmp.h: No such file or directory",
    "sodium": "fatal error: sodium.h: No such file or directory",
    "zeromq": "fatal error: zmq.h: No such file or directory",
    "ev": "bjoern/request.h:4:10: fatal error: ev.h: No such file or directory",
    "pcre": "fatal error: pcre2.h: No such file or directory",
    "rust": "error: can't find Rust compiler: rustc not found",
    "fortran": "ERROR: Unknown compiler(s): [['gfortran'], ['flang']]",
    "pkg-config": "/bin/sh: 1: pkg-config: not found",
    "cmake": "CMake must be installed: cmake: command not found",
    "compiler": "error: command 'gcc' failed: No such file or directory",
}


@pytest.mark.parametrize("key", TABLE)
def test_each_library_is_recognised_by_what_a_build_says(key):
    line = SAID[key]

    assert what_is_lacking(f"gcc -I/usr/include/openssl -lz\n{line}\n").key == key
    assert complaint(f"building\n{line}\n") == line


@pytest.mark.parametrize("library", TABLE.values(), ids=TABLE)
def test_each_library_has_a_command_for_each_package_manager_that_people_use(library):
    missing = [name for name in ("apt", "dnf", "pacman", "apk") if not getattr(library, name)]

    assert missing == []
    assert library.title
    assert not any(re.search(r"[A-Z_]", package) for package in library.packages)


def test_the_table_has_no_unknown_keys():
    text = (Path(system_libraries.__file__).parent / "system_libraries.toml").read_text()
    head = {line[1:].split()[0].rstrip(",") for line in text.splitlines() if line.startswith("#   ")}
    head |= {"dnf", "pacman", "apk", "brew"}

    assert {key for row in tomllib.loads(text).values() for key in row} <= head


def test_no_package_of_pypi_needs_two_tables():
    packages = [package for library in TABLE.values() for package in library.packages]

    assert sorted(packages) == sorted(set(packages))
    assert [each.key for each in libraries_of("mysqlclient")] == ["mysql"]


def test_a_failed_search_counts_more_than_its_steps():
    said = "/bin/sh: 1: pkg-config: not found\nException: Can not find valid pkg-config name."

    assert what_is_lacking(said).key == "mysql"


def test_a_build_that_fails_for_another_reason_lacks_nothing():
    assert what_is_lacking("gcc -c a.c\nerror: expected identifier\nModuleNotFoundError: No module named 'imp'") is None


def test_headers_of_python_are_those_of_the_version_that_the_build_is_for():
    said = "gcc -I/usr/include/python3.13 -c a.c\na.c:1:10: fatal error: Python.h: No such file or directory"

    found = what_is_lacking(said)

    assert (found.apt, found.include, found.fetch) == (("libpython3.13-dev",), ("python3.13",), True)


def test_headers_of_an_unknown_python_are_installed_and_not_fetched():
    found = what_is_lacking("a.c:1:10: fatal error: Python.h: No such file or directory")

    assert (found.fetch, found.commands()[0]) == (False, "sudo apt-get install python3-dev   # Debian, Ubuntu")


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install libldap-dev libsasl2-dev   # Debian, Ubuntu"),
        ("dnf", "sudo dnf install openldap-devel cyrus-sasl-devel   # Fedora"),
        ("pacman", "sudo pacman -S libldap libsasl   # Arch Linux"),
        ("apk", "sudo apk add openldap-dev cyrus-sasl-dev   # Alpine"),
        ("brew", "brew install openldap   # macOS"),
    ],
)
def test_what_is_missing_is_one_command_of_the_machines_own_package_manager(tmp_path, manager, command):
    (tmp_path / manager).write_text("#!/bin/sh\n")
    (tmp_path / manager).chmod(0o755)
    said = [
        "error: Failed to build `python-ldap==3.4.4`",
        "  cause: The build backend returned an error",
        "  cause: This error likely indicates that you need to install a library that provides `lber.h`",
        *(f"         gcc -O3 -c Modules/{number}.c" for number in range(30)),
        "         Modules/common.h:15:10: fatal error: lber.h: No such file or directory",
    ]

    error = failure(said, 1, doing="install the packages", search_path=str(tmp_path), refusal="apt is asleep")

    assert error.help == (command,)
    assert error.details == ()
    assert error.causes == ("Modules/common.h:15:10: fatal error: lber.h: No such file or directory", "apt is asleep")
