"""Archives that a generator makes up, hostile ones among them: what is accepted means the same to a second parser."""

import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.errors import IntegrityError
from devboot.unpack import unpack
from tests.fakes.archives import gnu_long, hard_link, header, link, member, pax, tar, zip_info, zipped
from tests.unit.unpack.conftest import tree

SETTINGS = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
PARTS = st.sampled_from(["a", "b", "A", "..", ".", "", "c", "é", "\n", "\\", "C:"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
TAME = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
ANY = st.one_of(TAME, TAME, NAMES)
CONTENT = st.sampled_from([b"", b"x", b"y" * 600])
TAR_MEMBERS = st.one_of(
    st.builds(member, ANY, CONTENT, mode=st.sampled_from([0o644, 0o755, 0o7777, 0])),
    st.builds(lambda name: header(name, kind=b"5"), ANY),
    st.builds(link, ANY, ANY),
    st.builds(hard_link, ANY, ANY),
    st.builds(lambda name, content: pax((b"path", name.encode())) + member("n", content), ANY.filter(bool), CONTENT),
    st.builds(lambda size: pax((b"size", b"%d" % size)) + member("sized", b"x" * 600), st.sampled_from([0, 600, 1024])),
    st.builds(lambda name: gnu_long(name) + member("n"), ANY.filter(bool)),
    st.builds(lambda kind: header("s", kind=kind), st.sampled_from([b"3", b"6", b"7", b"S", b"Z"])),
)
ZIP_MEMBERS = st.tuples(
    st.builds(zip_info, ANY.filter(bool), st.sampled_from([0o100644, 0o100755, 0o106777, 0o120777, 0o10666, 0])),
    st.one_of(CONTENT, ANY.map(str.encode)),
)


def verdict(data):
    """The tree of an accepted archive, None for a refused one; nothing comes to stand outside."""
    with tempfile.TemporaryDirectory() as folder:
        into = os.path.join(folder, "in", "side")
        os.makedirs(into)
        path = os.path.join(folder, "archive")
        Path(path).write_bytes(data)
        try:
            unpack(path, into)
            found = dict(tree(into))
        except IntegrityError:
            found = None
        assert os.listdir(folder + "/in") == ["side"]
        assert sorted(os.listdir(folder)) == ["archive", "in"]
        if found is not None:
            top = os.path.realpath(into)
            for name in found:
                real = os.path.realpath(os.path.join(into, name))
                assert real == top or real.startswith(top + os.sep)
    return found


def by_tarfile(data):
    """What the standard library makes of a tar file, by its own careful filter."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(data)) as file:
            file.extractall(folder, filter="data")
        return dict(tree(folder))


def by_zipfile(data):
    """The files of a zip file with their contents, links as such."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        found = {}
        for info in file.infolist():
            name = os.path.normpath(info.filename)
            if not info.is_dir():
                is_link = info.external_attr >> 28 == 0o12
                found[name] = f"-> {file.read(info).decode()}" if is_link else file.read(info)
        return found


def files_of(found):
    """Without the folders that hold nothing."""
    return {name: content for name, content in found.items() if not name.endswith("/")}


@pytest.mark.faults(53, 54, 57, 58)
@SETTINGS
@given(members=st.lists(TAR_MEMBERS, min_size=1, max_size=6))
def test_an_accepted_tar_file_means_the_same_to_tarfile(members):
    data = tar(*members)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(tarfile, "data_filter", raising=False)  # our own verdict, alone
        found = verdict(data)
    if found is not None:
        assert by_tarfile(data) == found


@pytest.mark.faults(57)
@SETTINGS
@given(
    members=st.lists(TAR_MEMBERS, min_size=1, max_size=3),
    flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_a_damaged_tar_file_is_refused_or_means_the_same(members, flips):
    data = bytearray(tar(*members))
    for at, value in flips:
        data[at % len(data)] = value
    found = verdict(bytes(data))
    if found is not None:
        assert by_tarfile(bytes(data)) == found


@pytest.mark.faults(53, 57, 58)
@pytest.mark.filterwarnings("ignore:Duplicate name")
@SETTINGS
@given(members=st.lists(ZIP_MEMBERS, max_size=5), flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255))))
def test_an_accepted_zip_file_means_the_same_to_zipfile(members, flips):
    data = bytearray(zipped(*members))
    for at, value in flips:
        data[at % len(data)] = value
    found = verdict(bytes(data))
    if found is not None:
        assert by_zipfile(bytes(data)) == files_of(found)
