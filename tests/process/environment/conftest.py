"""A clone for each test, and the files that were fetched in the tests of one file."""

import pytest

from tests.fakes.clone import Clone


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def clone(tmp_path, cache):
    return Clone(tmp_path, cache)
