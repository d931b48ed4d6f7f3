"""The format of kits: the same bytes for the same content, and nothing else is read."""

import hashlib
import io
import json
import os
import random
import tarfile

import pytest
from hypothesis import given, settings, strategies as st

from devboot.errors import IntegrityError
from devboot.provision.kit import Contents, KitFile, KitObject, KitPackage, KitReader, from_json, to_json, write_kit

FILES = {
    "wheels/ant-1.0-py3-none-any.whl": b"ant" * 700,
    "wheels/bee-2.0-py3-none-any.whl": b"",
    f"downloads/{hashlib.sha256(b'sources').hexdigest()}": b"sources",
    "lock/devboot.lock": b"format = 1\n",
}
PACKAGES = tuple(
    KitPackage(name, version, f"wheels/{name}-{version}-py3-none-any.whl", ("linux-x86_64",))
    for name, version in (("ant", "1.0"), ("bee", "2.0"))
)
CONTENTS = Contents("shop", "0.1.0", ("linux-x86_64",), python="3.12", packages=PACKAGES)


@pytest.fixture
def written(tmp_path):
    return packed(tmp_path, FILES)


def packed(folder, files, contents=CONTENTS):
    sources = {}
    for number, (name, data) in enumerate(files.items()):
        sources[name] = str(folder / str(number))
        (folder / str(number)).write_bytes(data)
    target = io.BytesIO()
    write_kit(target, contents, sources)
    return target.getvalue()


def reader(data):
    return KitReader(io.BytesIO(data), "shop.kit.tar")


def refused(data):
    with pytest.raises(IntegrityError) as caught:
        reader(data).verify()
    return caught.value.slug, " ".join(caught.value.causes)


def with_list(data, change):
    """The kit with another list, which still has the right length in its header and its own digest."""
    size = int(data[124:135], 8)
    plain = json.loads(data[512 : 512 + size])
    del plain["list"]
    change(plain)
    text = json.dumps(plain, indent=1, sort_keys=True).encode() + b"\n"
    plain["list"] = hashlib.sha256(text).hexdigest()
    text = json.dumps(plain, indent=1, sort_keys=True).encode() + b"\n"
    entry = tarfile.TarInfo("kit.json")
    entry.size, entry.mode = len(text), 0o644
    rest = data[512 + size + -size % 512 :]
    return entry.tobuf(tarfile.GNU_FORMAT) + text + bytes(-len(text) % 512) + rest


def test_what_was_written_is_read_again(written, tmp_path):
    kit = reader(written).verify()

    assert CONTENTS == kit.contents
    assert sorted(FILES) == [each.path for each in kit.files]
    found = reader(written).extract(str(tmp_path / "out"), ["lock/devboot.lock"])
    assert {"lock/devboot.lock": str(tmp_path / "out/lock/devboot.lock")} == found
    assert b"format = 1\n" == (tmp_path / "out/lock/devboot.lock").read_bytes()


def test_order_age_owner_and_mode_of_the_files_leave_no_trace(written, tmp_path):
    (tmp_path / "again").mkdir()
    shuffled = dict(reversed(FILES.items()))
    again = packed(tmp_path / "again", shuffled, CONTENTS._replace(packages=tuple(reversed(PACKAGES))))
    for number in range(len(FILES)):
        os.utime(tmp_path / "again" / str(number), (1, 1))
        os.chmod(tmp_path / "again" / str(number), 0o600)

    assert written == again


def test_every_tar_program_can_read_it(written):
    with tarfile.open(fileobj=io.BytesIO(written)) as archive:
        assert ["kit.json", *sorted(FILES)] == archive.getnames()
        assert [b"ant" * 700] == [
            archive.extractfile(name).read() for name in archive.getnames() if name.startswith("wheels/ant")
        ]


@pytest.mark.faults(5)
def test_one_that_ends_early_is_refused_wherever_it_ends(written):
    for length in (0, 1, 511, 512, 600, len(written) // 2, len(written) - 1024, len(written) - 1):
        slug, _ = refused(written[:length])
        assert slug in {"kit/not-a-kit", "kit/damaged"}, length


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_bit_of_it_can_be_turned(seed, tmp_path_factory):
    data = bytearray(packed(tmp_path_factory.getbasetemp(), FILES))
    position = random.Random(seed).randrange(len(data))
    data[position] ^= 1 << seed % 8

    with pytest.raises(IntegrityError):
        reader(bytes(data)).verify()


def test_something_behind_its_end_is_refused(written):
    assert ("kit/damaged", "it has data after its end") == refused(written + b"\0")


@pytest.mark.faults(53, 55, 58)
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE])
def test_an_entry_of_another_kind_is_refused(written, kind):
    start = written.index(b"wheels/ant", 2048)
    hostile = bytearray(written)
    entry = tarfile.TarInfo("wheels/ant-1.0-py3-none-any.whl")
    entry.type, entry.linkname, entry.mode = kind, "../../victim", 0o644
    hostile[start : start + 512] = entry.tobuf(tarfile.GNU_FORMAT)[:512]

    assert ("kit/damaged", "it has other data in the place of `wheels/ant-1.0-py3-none-any.whl`") == refused(
        bytes(hostile)
    )


@pytest.mark.faults(53, 58)
@pytest.mark.parametrize(
    "path",
    [
        "../escape",
        "/etc/passwd",
        "wheels/../../escape",
        "wheels/./x",
        "wheels/a/b",
        "wheels/.hidden",
        "wheels/",
        "wheels",
        "wheels/a\nb",
        "wheels/\x1b[2J",
        "wheels/ä",
        "other/a",
        "wheels/" + "a" * 300,
        "",
    ],
)
def test_a_path_that_kits_do_not_have_is_refused(written, path):
    def change(plain):
        plain["files"][-1]["path"] = path

    slug, why = refused(with_list(written, change))

    assert "kit/not-a-kit" == slug
    assert "\x1b" not in why
    assert "\n" not in why


def add_file(plain, path):
    plain["files"].append({"path": path, "size": 0, "sha256": "0" * 64})


@pytest.mark.faults(56, 57, 58)
@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain["files"].reverse(),
        lambda plain: add_file(plain, plain["files"][-1]["path"]),
        lambda plain: add_file(plain, "wheels/BEE-2.0-py3-none-any.whl".replace("B", "b").upper()),
        lambda plain: plain["files"][0].update(size=-1),
        lambda plain: plain["files"][0].update(size=True),
        lambda plain: plain["files"][0].update(size="1"),
        lambda plain: plain["files"][0].update(sha256="0" * 63),
        lambda plain: plain["files"][0].update(more=1),
        lambda plain: plain["files"][0].pop("sha256"),
        lambda plain: plain.update(files=None),
        lambda plain: plain.update(packages=[{"name": "ant"}]),
        lambda plain: plain["packages"][0].update(file="wheels/none.whl"),
        lambda plain: plain["packages"][0].update(name=["ant"]),
        lambda plain: plain["packages"][0].update(platforms="linux-x86_64"),
        lambda plain: plain.update(project=7),
        lambda plain: plain.update(data=[["default"]]),
        lambda plain: plain.update(data=[["default", "data/none.sqlite3"]]),
        lambda plain: plain.pop("project"),
        lambda plain: plain.update(surprise=1),
        lambda plain: plain.update(format="1"),
        lambda plain: next(each for each in plain["files"] if "downloads" in each["path"]).update(sha256="0" * 64),
    ],
)
def test_a_list_that_devboot_would_not_have_written_is_refused(written, change):
    assert "kit/not-a-kit" == refused(with_list(written, change))[0]


def test_a_size_that_lies_is_found_before_anything_is_taken_for_content(written):
    def change(plain):
        plain["files"][1]["size"] += 512

    assert "kit/damaged" == refused(with_list(written, change))[0]


def test_a_list_that_is_written_otherwise_is_refused(written):
    size = int(written[124:135], 8)
    text = written[512 : 512 + size].replace(b' "data": []', b' "data":[] ')

    assert "kit/not-a-kit" == refused(written[:512] + text + written[512 + size :])[0]


def test_a_kit_of_a_later_devboot_says_so(written):
    slug, _ = refused(with_list(written, lambda plain: plain.update(format=2, surprise=1)))
    assert "kit/too-new" == slug


@pytest.mark.parametrize("data", [b"", b"<!doctype html>" * 100, bytes(4096), b"PK\3\4" + bytes(2000)])
def test_another_file_is_no_kit(data):
    assert "kit/not-a-kit" == refused(data)[0]


def test_a_file_that_changes_while_it_is_packed_makes_no_kit(tmp_path):
    class Growing(io.BytesIO):
        def write(self, data):
            (tmp_path / "0").write_bytes(b"other")
            return super().write(data)

    (tmp_path / "0").write_bytes(b"as it was")

    with pytest.raises(OSError, match="changed while it was read"):
        write_kit(Growing(), Contents("shop", "0", ("linux-x86_64",)), {"lock/devboot.lock": str(tmp_path / "0")})


def test_what_goes_wrong_between_verifying_and_extracting_is_found(written, tmp_path):
    file = io.BytesIO(written)
    opened = KitReader(file, "shop.kit.tar")
    opened.verify()
    file.getbuffer()[written.index(b"format = 1\n")] ^= 1

    with pytest.raises(IntegrityError) as caught:
        opened.extract(str(tmp_path / "out"), ["lock/devboot.lock"])
    assert "kit/damaged" == caught.value.slug


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._+!-]{0,150}", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(names=st.sets(NAMES, max_size=6), data=st.binary(max_size=1500))
def test_whatever_is_packed_comes_out_again(names, data, tmp_path_factory):
    if len({name.casefold() for name in names}) < len(names):
        return
    folder = tmp_path_factory.getbasetemp()
    contents = Contents("shop", "0.1.0", ("linux-x86_64",))

    kit = reader(packed(folder, {f"wheels/{name}": data for name in names}, contents)).verify()

    digest = hashlib.sha256(data).hexdigest()
    assert tuple(KitFile(f"wheels/{name}", len(data), digest) for name in sorted(names)) == kit.files


def test_the_list_reads_as_it_was_written():
    digest = "0" * 64
    objects = (KitObject("redis", "8.2", "linux-x86_64", "abc-redis-8.2", (f"downloads/{digest}",)),)
    kit = reader_kit(objects, (KitFile(f"downloads/{digest}", 3, digest),))

    assert kit == from_json(to_json(kit))


def reader_kit(objects, files):
    from devboot.provision.kit import Kit

    return Kit(Contents("shop", "0.1.0", ("linux-x86_64",), objects=objects), files)
