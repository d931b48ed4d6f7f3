"""What a failed build lacks, read from its output: headers, configuration programs, compilers, and how to get them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a build asks for: its name, and the packages that bring it on Debian and with Homebrew."""

    name: str
    debian: str
    homebrew: str

    @property
    def help(self) -> tuple[str, ...]:
        """Commands to paste."""
        lines = [f"sudo apt-get install {self.debian}   # Debian, Ubuntu"]
        return (*lines, *([f"brew install {self.homebrew}   # macOS"] if self.homebrew else []))


_MYSQL = Lack("MySQL's client library", "default-libmysqlclient-dev pkg-config", "mysql-client pkgconf")
# Said of the whole search, after several lines about its steps
_SUMMARIES = ((r"Can not find valid pkg-config name", _MYSQL),)
_LACKS = (
    (r"Python\.h", Lack("Python's headers", "python3-dev", "")),
    (r"pg_config|libpq-fe\.h", Lack("PostgreSQL's client library", "libpq-dev", "libpq")),
    (r"mysql_config|mysqlclient|mariadb_config|mysql\.h", _MYSQL),
    (r"lber\.h|ldap\.h|sasl\.h", Lack("the LDAP library", "libldap-dev libsasl2-dev", "openldap")),
    (r"libxml/\w+\.h|libxslt|xslt-config|xmlsec", Lack("libxml2", "libxml2-dev libxslt1-dev", "libxml2 libxslt")),
    (r"ffi\.h", Lack("libffi", "libffi-dev", "libffi")),
    (r"openssl/\w+\.h", Lack("OpenSSL's headers", "libssl-dev", "openssl")),
    (r"jpeglib\.h|The headers or library files could not be found for jpeg", Lack("libjpeg", "libjpeg-dev", "jpeg")),
    (r"zlib\.h", Lack("zlib", "zlib1g-dev", "zlib")),
    (r"cairo\.h|Dependency \"cairo\"", Lack("cairo", "libcairo2-dev pkg-config", "cairo pkgconf")),
    (r"geos_c\.h|geos-config", Lack("GEOS", "libgeos-dev", "geos")),
    (r"gdal-config|gdal\.h", Lack("GDAL", "libgdal-dev", "gdal")),
    (r"sqlite3\.h", Lack("SQLite's headers", "libsqlite3-dev", "sqlite")),
    (r"yaml\.h", Lack("libyaml", "libyaml-dev", "libyaml")),
    (r"rdkafka\.h", Lack("librdkafka", "librdkafka-dev", "librdkafka")),
    (r"hdf5\.h", Lack("HDF5", "libhdf5-dev", "hdf5")),
    (r"magic\.h", Lack("libmagic", "libmagic-dev", "libmagic")),
    (r"cargo|rustc", Lack("the Rust compiler", "cargo", "rust")),
    (r"gfortran|Fortran compiler", Lack("a Fortran compiler", "gfortran", "gcc")),
    (r"pkg-config|pkgconf", Lack("pkg-config", "pkg-config", "pkgconf")),
    (r"\bcmake\b", Lack("CMake", "cmake", "cmake")),
    (r"\bgcc\b|\bcc\b|\bg\+\+|\bclang\b|C compiler", Lack("a C compiler", "build-essential", "")),
)
# Only a line that says that something isn't there counts: command lines of compilers name many things.
_ABSENCE = re.compile(
    r"No such file or directory|not found|could not be found|is required|command not found|not installed|"
    r"Unable to find|cannot find|provides `[^`]+`|Unknown compiler|No module named 'mesonpy'",
    re.IGNORECASE,
)


def what_is_lacking(output: str) -> Lack | None:
    """Find what a build's output complains of; None where it complains of something else."""
    for pattern, lack in _SUMMARIES:
        if re.search(pattern, output):
            return lack
    for line in output.splitlines():
        if _ABSENCE.search(line):
            for pattern, lack in _LACKS:
                if re.search(pattern, line):
                    return lack
    return None
