"""System libraries for builds: which packages they come from, where builds find them, what is kept in mind."""

import os

import pytest

from devboot.model.artifact import LINUX_X86_64, Artifact
from devboot.provision.libraries import LibraryStore, Locator, build_variables, find_in_distribution
from devboot.provision.objects.mending import relocate
from devboot.provision.objects.store import REGISTERED, StoreObject
from devboot.sources.debian.records import DebRecord
from devboot.uv.system_libraries import known_libraries

LDAP, MYSQL, COMPILER = (known_libraries()[key] for key in ("ldap", "mysql", "compiler"))
DEPENDS = {
    "libldap-dev": ("libldap2", "libc6-dev"),
    "libsasl2-dev": ("libsasl2-2", "libssl-dev"),
    "libldap2": ("libc6", "libsasl2-2"),
    "libsasl2-2": ("libc6",),
    "libssl-dev": ("libssl3",),
    "libssl3": ("libc6", "debconf"),
    "libc6-dev": ("libc6", "linux-libc-dev"),
    "linux-libc-dev": (),
    "libc6": (),
    "gcc": ("gcc-14", "cpp"),
    "gcc-14": ("libgcc-14-dev", "binutils", "libcc1-0", "gcc-14-doc"),
    "gcc-14-doc": (),
    "libgcc-14-dev": ("libgcc-s1",),
    "libgcc-s1": (),
    "libcc1-0": ("libc6",),
    "cpp": (),
    "g++": ("gcc", "g++-14"),
    "g++-14": ("libstdc++-14-dev",),
    "libstdc++-14-dev": ("libc6-dev",),
    "binutils": ("libbinutils",),
    "libbinutils": ("libc6",),
    "make": ("libc6",),
    "debconf": (),
}


def records(names):
    return {
        name: DebRecord(name, "1:2.6-1", tuple((each,) for each in DEPENDS[name]), f"{name}.deb", "0" * 64, 10)
        for name in names
        if name in DEPENDS
    }


def test_headers_come_with_those_that_they_need_and_without_the_compilers_own():
    artifact, version = find_in_distribution(LDAP, records)

    assert version == "2.6"
    names = ["libldap-dev", "libldap2", "libsasl2-2", "libsasl2-dev", "libssl-dev", "libssl3"]
    assert [part.name for part in artifact.files] == names


def test_a_compiler_comes_with_its_own_headers_and_those_of_the_c_library():
    artifact, _ = find_in_distribution(COMPILER, records)

    names = {part.name for part in artifact.files}
    assert {"gcc", "g++", "make", "libc6-dev", "linux-libc-dev", "libgcc-14-dev", "libstdc++-14-dev"} <= names
    assert names.isdisjoint({"libc6", "libgcc-s1", "gcc-14-doc"})


def test_headers_of_a_compiler_come_after_those_of_its_c_plus_plus(tree):
    found = build_variables([(str(tree), COMPILER)], {})

    assert "CPATH" not in found
    after = f"-idirafter {tree}/include -idirafter {tree}/include/x86_64-linux-gnu"
    assert (found["CC"], found["CXX"]) == (f"{tree}/bin/gcc {after}", f"{tree}/bin/g++ {after}")


def test_what_the_distribution_has_not_got_is_not_found():
    assert find_in_distribution(MYSQL, records) is None


@pytest.fixture
def tree(tmp_path):
    """A tree of libraries as Debian packages lay it."""
    place = tmp_path / "tree" / "usr"
    for folder in ("include/mariadb", "include/x86_64-linux-gnu", "lib/x86_64-linux-gnu/pkgconfig", "bin"):
        (place / folder).mkdir(parents=True)
    (place / "lib/x86_64-linux-gnu/libmariadb.so").write_bytes(b"")
    return place


def test_builds_find_a_library_by_the_variables_of_compilers_and_what_was_set_stays(tree):
    given = {"LDFLAGS": "-Wl,-z,now", "PATH": "/bin"}

    found = build_variables([(str(tree), MYSQL)], given)

    lib = f"{tree}/lib/x86_64-linux-gnu"
    assert found["CPATH"] == f"{tree}/include:{tree}/include/x86_64-linux-gnu:{tree}/include/mariadb"
    assert found["LIBRARY_PATH"] == f"{lib}:{tree}/lib"
    assert found["LDFLAGS"] == f"-L{lib} -Wl,-rpath,{lib} -L{tree}/lib -Wl,-rpath,{tree}/lib -Wl,-z,now"
    assert found["PKG_CONFIG_PATH"] == f"{lib}/pkgconfig"
    assert found["PATH"] == f"{tree}/bin:/bin"
    assert found["MYSQLCLIENT_LDFLAGS"] == f"-L{lib} -lmariadb"


def test_configuration_programs_and_pkg_config_files_name_the_tree(tmp_path):
    files = {
        "usr/lib/x86_64-linux-gnu/pkgconfig/toy.pc": (
            "prefix=/usr\nlibdir=/usr/lib/x86_64-linux-gnu\nincludedir=${prefix}/include\nCflags: -I/usr/include/toy\n"
        ),
        "usr/bin/toy-config": '#!/usr/bin/perl\necho "/usr" -L/usr/lib /opt/usr/lib\n',
        "usr/lib/libtoy.so": "/* GNU ld script */\nGROUP ( /lib/libc.so.6 /usr/lib/libtoy.a )\n",
        "usr/lib/liboy.so": "\x7fELF /usr/lib",
        "usr/bin/toy": "\x7fELF /usr/lib",
        "usr/share/toy.txt": "/usr/lib",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    relocate(str(tmp_path), "/usr", "/store/x/tree")

    now = {name: (tmp_path / name).read_text() for name in files}
    assert now["usr/lib/x86_64-linux-gnu/pkgconfig/toy.pc"].splitlines() == [
        "prefix=/store/x/tree/usr",
        "libdir=/store/x/tree/usr/lib/x86_64-linux-gnu",
        "includedir=${prefix}/include",
        "Cflags: -I/store/x/tree/usr/include/toy",
    ]
    assert (
        now["usr/bin/toy-config"] == '#!/usr/bin/perl\necho "/store/x/tree/usr" -L/store/x/tree/usr/lib /opt/usr/lib\n'
    )
    script = "/* GNU ld script */\nGROUP ( /lib/libc.so.6 /store/x/tree/usr/lib/libtoy.a )\n"
    assert now["usr/lib/libtoy.so"] == script
    assert now["usr/lib/liboy.so"] == files["usr/lib/liboy.so"]
    assert now["usr/bin/toy"] == files["usr/bin/toy"]
    assert now["usr/share/toy.txt"] == files["usr/share/toy.txt"]


class Shelf:
    """A source and a store that hold each library in a folder of its name."""

    def __init__(self, folder):
        self.folder = folder
        self.held = []
        self.asked = []

    def find(self, library):
        self.asked.append(library.key)
        return Artifact("deb", library.key, "1", "", "", 0), "1"

    def realise(self, wanted):
        path = os.path.join(self.folder, wanted.name)
        os.makedirs(os.path.join(path, "tree", "usr"), exist_ok=True)
        with open(os.path.join(path, REGISTERED), "w", encoding="utf-8"):
            pass
        return StoreObject(wanted.name, path)

    def supply(self, *, has_pkg_config=True, locators=None):
        found = [Locator("/usr", self.find)] if locators is None else locators
        cache = os.path.join(self.folder, "cache")
        return LibraryStore(
            found, self.realise, self.held.append, LINUX_X86_64, cache, {}, has_pkg_config=has_pkg_config
        )


def test_builds_with_other_libraries_have_other_caches(tmp_path):
    supply = Shelf(str(tmp_path)).supply()

    caches = {supply.variables(each)["UV_CACHE_DIR"] for each in ([LDAP], [MYSQL], [LDAP, MYSQL], [MYSQL, LDAP])}

    assert len(caches) == 3


def test_libraries_are_held_for_the_project_and_named(tmp_path):
    shelf = Shelf(str(tmp_path))
    supply = shelf.supply()

    supply.variables([LDAP])
    supply.variables([LDAP, MYSQL])

    assert shelf.held == ["ldap", "mysql"]
    assert supply.used == (str(tmp_path / "ldap"), str(tmp_path / "mysql"))


def test_a_machine_without_pkg_config_gets_it_too(tmp_path):
    shelf = Shelf(str(tmp_path))

    shelf.supply(has_pkg_config=False).variables([LDAP])

    assert shelf.asked == ["ldap", "pkg-config"]


def test_what_was_built_before_asks_no_source_again(tmp_path):
    shelf = Shelf(str(tmp_path))
    first = shelf.supply()
    variables = first.variables([LDAP])
    first.remember("python-ldap==3.4.4", [LDAP])
    shelf.asked.clear()

    again = shelf.supply(locators=())

    assert again.recall("python-ldap==3.4.4") == variables
    assert again.recall("python-ldap==3.4.5") is None
    assert shelf.held == ["ldap", "ldap"]
    os.unlink(tmp_path / "ldap" / REGISTERED)
    assert shelf.supply(locators=()).recall("python-ldap==3.4.4") is None
    asked = len(shelf.asked)
    assert shelf.supply().recall("python-ldap==3.4.4") is None  # whose source may be out of reach
    assert len(shelf.asked) == asked


def test_a_place_that_build_systems_would_take_apart_is_not_used(tmp_path):
    (tmp_path / "my store").mkdir()

    assert Shelf(str(tmp_path / "my store")).supply().variables([LDAP]) is None


def test_a_machine_without_a_source_has_no_libraries(tmp_path):
    assert Shelf(str(tmp_path)).supply(locators=()).variables([LDAP]) is None
