"""What uv says it could install with the network off, and what it then takes from its cache by itself."""

import os
import sys

import pytest

from devboot.errors import NetworkError, WorkError
from devboot.uv.cached import lacking
from devboot.uv.client import make_uv
from devboot.uv.packages import IndexSettings, install_requirements, install_target
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel


@pytest.fixture
def index(tmp_path):
    served = Index(str(tmp_path / "index"))
    yield served
    served.close()


@pytest.fixture
def uv(tmp_path, index):
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
    environ |= {"UV_DEFAULT_INDEX": index.url, "UV_HTTP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    return make_uv(environ, str(tmp_path))


def make_virtualenv(uv, folder):
    """An empty one; the path of its interpreter."""
    uv.run(["venv", "--quiet", "--python", sys.executable, str(folder / "venv")], doing="make a virtualenv")
    return str(folder / "venv/bin/python")


def line(index, name, version="1.0"):
    return f"{name}=={version} --hash={write_wheel(index.folder, name, version)}"


def test_only_what_was_never_fetched_is_lacking(uv, index, tmp_path):
    ant, bee, cat = (line(index, name) for name in ("ant", "bee", "cat"))
    assert (0, 1, 2) == lacking(uv, [ant, bee, cat], python=sys.executable)

    install_target(uv, str(tmp_path / "one"), f"{ant}\n{cat}\n", python=sys.executable)

    assert (1,) == lacking(uv, [ant, bee, cat], python=sys.executable)
    assert () == lacking(uv, [cat, ant], python=sys.executable)
    assert () == lacking(uv, [], python=sys.executable)


def test_a_folder_of_wheels_is_here_though_uv_would_copy_from_it(uv, index):
    bee = line(index, "bee")

    assert () == lacking(
        uv, [bee], python=sys.executable, options=["--no-index"], variables={"UV_FIND_LINKS": index.folder}
    )


def test_what_is_cached_is_installed_without_asking_the_index(uv, index, tmp_path):
    ant = line(index, "ant")
    install_target(uv, str(tmp_path / "one"), f"{ant}\n", python=sys.executable)
    index.asked.clear()
    index.plan = {"ant": [500]}

    install_target(uv, str(tmp_path / "two"), f"{ant}\n", python=sys.executable)

    assert (tmp_path / "two/ant.py").exists()
    assert [] == index.asked


@pytest.mark.faults(3)
def test_an_index_that_refuses_is_named_also_where_another_one_answers(uv, index, tmp_path):
    ant = line(index, "ant")
    other = Index(str(tmp_path / "other"))
    write_wheel(other.folder, "bee", "1.0")
    index.plan = {"ant": [401]}
    python = make_virtualenv(uv, tmp_path)
    try:
        with pytest.raises(NetworkError) as caught:
            install_requirements(
                uv, python, f"{ant}\n", require_hashes=True, indexes=IndexSettings(index.url, (other.url,))
            )
        with pytest.raises(WorkError) as unknown:
            install_requirements(uv, python, f"{ant}\n", require_hashes=True, indexes=IndexSettings(other.url))
    finally:
        other.close()

    assert "network/http-401" == caught.value.slug
    assert "python/no-such-package" == unknown.value.slug


def test_what_is_not_cached_is_asked_for_and_an_index_that_fails_is_named(uv, index, tmp_path):
    ant = line(index, "ant")
    index.plan = {"ant": [403]}

    with pytest.raises(NetworkError) as caught:
        install_target(uv, str(tmp_path / "one"), f"{ant}\n", python=sys.executable)

    assert "network/http-403" == caught.value.slug
