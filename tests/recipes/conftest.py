"""One store for all tests of a session: each artifact is fetched once."""

import pytest

from devboot.provision.objects.tree import remove_tree


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("data"))
    yield directory
    remove_tree(directory)
