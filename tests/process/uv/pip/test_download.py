"""Wheels as files, by way of pip and from the indexes that uv would ask, with the real pip and an index on loopback."""

import os

import pytest

from devboot.errors import DevbootError
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings
from devboot.uv.pip.download import Target, download_wheels, index_lines
from tests.fakes.index import Index
from tests.fakes.wheels import write_sdist, write_wheel

ANY = Target(("any",), "3.12")
LINUX = Target(("manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "any"), "3.12")
WHEEL = "ant-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    yield served
    served.close()


@pytest.fixture
def environ(tmp_path, index):
    return {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_DEFAULT_INDEX": index.url,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "1",
    }


@pytest.fixture
def download(tmp_path, environ):
    def run(lines, target=ANY, **options):
        heard = []
        (tmp_path / "out").mkdir(exist_ok=True)
        uv = make_uv(environ, str(tmp_path))
        lacking = download_wheels(uv, lines, str(tmp_path / "out"), target, hear=heard.append, **options)
        return lacking, sorted(os.listdir(tmp_path / "out")), heard

    return run


def line(index, name, version="1.0", **options):
    return f"{name}=={version} --hash={write_wheel(index.folder, name, version, **options)}"


def test_files_arrive_as_they_are_and_each_is_told(download, index):
    lines = [line(index, name) for name in ("ant", "bee")]

    lacking, there, heard = download(lines)

    assert () == lacking
    assert [WHEEL, "bee-1.0-py3-none-any.whl"] == there == sorted(heard)


def test_the_lowest_floor_of_a_platform_is_taken(download, index):
    hashes = [
        write_wheel(index.folder, "native", "1.0", tag=f"cp312-cp312-manylinux_2_{minor}_x86_64") for minor in (28, 17)
    ]
    wanted = "native==1.0 " + " ".join(f"--hash={each}" for each in hashes)

    assert ["native-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"] == download([wanted], LINUX)[1]


def test_what_has_no_wheel_is_named_and_the_others_arrive(download, index):
    lines = [
        line(index, "ant"),
        line(index, "native", tag="py3-none-macosx_11_0_arm64"),
        f"ancient==1.0 --hash={write_sdist(index.folder, 'ancient', '1.0')}",
    ]

    lacking, there, _ = download(lines)

    assert ["ancient", "native"] == [each.partition("==")[0] for each in lacking]
    assert [WHEEL] == there


@pytest.mark.parametrize(
    ("plan", "slug"),
    [
        pytest.param({"ant": [401]}, "network/http-401", marks=pytest.mark.faults(3)),
        pytest.param({"ant": [403]}, "network/http-403", marks=pytest.mark.faults(3)),
        pytest.param({WHEEL: [404]}, "network/http-404", marks=pytest.mark.faults(3)),
        pytest.param({"ant": [500]}, "network/http-500", marks=pytest.mark.faults(2)),
        pytest.param({"ant": ["reset"]}, "network/unreachable", marks=pytest.mark.faults(2)),
        pytest.param({WHEEL: ["damaged"]}, "integrity/hash-mismatch", marks=pytest.mark.faults(10)),
    ],
)
def test_an_index_that_fails_is_not_taken_for_one_that_has_nothing(download, index, plan, slug):
    index.plan = plan

    with pytest.raises(DevbootError) as caught:
        download([line(index, "ant")])

    assert slug == caught.value.slug
    assert slug.startswith("integrity") or "127.0.0.1" in caught.value.what


@pytest.mark.faults(1)
def test_an_index_that_nobody_answers_for(download, index, environ):
    environ["UV_DEFAULT_INDEX"] = "http://127.0.0.1:9/simple/"

    with pytest.raises(DevbootError) as caught:
        download([line(index, "ant")])

    assert ("network/unreachable", "could not download the packages: 127.0.0.1:9 can't be reached") == (
        caught.value.slug,
        caught.value.what,
    )


@pytest.mark.faults(11)
def test_a_proxy_with_a_scheme_that_nobody_knows_is_named_with_its_variable(download, index, environ):
    environ |= {"UV_DEFAULT_INDEX": "https://index.example.test/simple", "HTTPS_PROXY": "htp://127.0.0.1:1"}

    with pytest.raises(DevbootError) as caught:
        download([line(index, "ant")])

    assert "network/proxy" == caught.value.slug
    assert "HTTPS_PROXY" in caught.value.what


def test_the_indexes_are_those_that_uv_would_ask(environ, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "uv.toml").write_text(
        '[[index]]\nurl = "https://ann:secret@mirror.example.test/simple"\ndefault = true\n'
    )
    environ |= {"UV_CONFIG_FILE": str(tmp_path / "uv.toml"), "UV_FIND_LINKS": str(tmp_path / "links")}
    del environ["UV_DEFAULT_INDEX"]
    extra = IndexSettings(extra=("https://own.example.test/simple",), trusted_hosts=("own.example.test",))

    assert [
        "--index-url https://ann:secret@mirror.example.test/simple",
        "--extra-index-url https://own.example.test/simple",
        f"--find-links {tmp_path}/links",
        "--trusted-host own.example.test",
    ] == index_lines(make_uv(environ, str(tmp_path)), extra).splitlines()


def test_without_an_index_only_folders_are_left(environ, tmp_path):
    (tmp_path / "links").mkdir()
    environ["UV_FIND_LINKS"] = str(tmp_path / "links")

    found = index_lines(make_uv(environ, str(tmp_path)), IndexSettings(no_index=True))

    assert f"--no-index\n--find-links {tmp_path}/links\n" == found
