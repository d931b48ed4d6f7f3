"""Values that only this machine has: a manifest is for the next person's clone, too."""

from __future__ import annotations

import os
import subprocess

import pytest

from devboot.onboarding import detect

READS = "X = os.environ['{}']"
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@pytest.fixture
def repository(django, tmp_path):
    """Writes a Django project with a `.env` into a repository that tracks all but what is named."""

    def make(name, files, untracked=()):
        django(READS.format(name), more=files)
        for words in (["init", "-q"], ["add", "-A"], ["rm", "-q", "--cached", "--ignore-unmatch", "--", *untracked]):
            subprocess.run(["git", *words], cwd=tmp_path, env=ENVIRON, check=True)
        return {each.name: each for each in detect(tmp_path, environ=ENVIRON).env}

    return make


@pytest.mark.faults(217)
@pytest.mark.parametrize("name", ["STRIPE_KEY", "SITE_NAME", "DEBUG_LEVEL", "ALLOWED_HOSTS"])
@pytest.mark.parametrize("file", [".env", ".env.local"])
def test_a_variable_that_only_a_local_file_sets_is_required_of_the_next_person(repository, name, file):
    """It is given no value here, which would win over that of the file."""
    found = repository(name, {file: f"{name}=something\n"}, untracked=[file])

    assert found[name].required
    assert found[name].description.endswith(", put it in .env")


@pytest.mark.faults(217)
def test_a_secret_that_only_a_local_file_sets_is_generated_for_the_next_person(repository):
    """A value that is made up yields to one of a file."""
    found = repository("SECRET_KEY", {".env": "SECRET_KEY=something\n"}, untracked=[".env"])

    assert found["SECRET_KEY"].generate == "token"


@pytest.mark.faults(217)
def test_a_variable_that_a_committed_file_sets_is_in_the_next_clone_anyway(repository):
    files = {".env": "STRIPE_KEY=committed\n", ".env.local": "STRIPE_KEY=local\n"}

    assert "STRIPE_KEY" not in repository("STRIPE_KEY", files, untracked=[".env.local"])


@pytest.mark.faults(217)
def test_a_variable_of_a_local_file_that_nothing_needs_is_left_to_the_file(repository):
    found = repository("STRIPE_KEY", {".env": "STRIPE_KEY=a\nOTHER=b\n"}, untracked=[".env"])

    assert "OTHER" not in found


def test_without_a_repository_a_file_counts_as_part_of_the_clone(django, tmp_path):
    django(READS.format("STRIPE_KEY"), more={".env": "STRIPE_KEY=a\n"})

    assert "STRIPE_KEY" not in {each.name for each in detect(tmp_path, environ=ENVIRON).env}
