"""Whatever stands in a manifest: it is read, or all that is wrong has a place, a sentence and no traceback."""

import re

import pytest
from hypothesis import given, settings, strategies as st

from devboot.errors import ManifestError, Problems
from devboot.model.edge.manifest.manifest import Manifest, parse_manifest
from devboot.model.edge.manifest.probes import PROBES
from devboot.model.edge.manifest.tables import Database, Dependency, Process, Project, Python, Service, Task
from devboot.model.edge.manifest.variables import BRANCHES
from devboot.model.edge.toml.text import inline, key_text

MODELS = [Manifest, Project, Python, Service, Database, Task, Process, Dependency, *PROBES.values(), *BRANCHES.values()]
KEYS = sorted({field.alias or name for model in MODELS for name, field in model.model_fields.items()})
NAMES = st.sampled_from(["web", "redis", "default", "processes", "a/b", "-x", "", "é", "\x1b[31m", "x" * 200])
WORDS = [
    "8",
    "auto",
    "always",
    "5s",
    "SIGTERM",
    "wheel",
    "ready",
    "token",
    "shell",
    "/health",
    ">=0.1",
    ">=99",
    "(",
    "\n",
]
REFERENCES = ["${services.redis.url}", "${web}", "${", "${}", "${A}", "${processes.web.port}", "$HOME", "${project.x}"]
SCALARS = st.sampled_from(
    [*map(inline, [*WORDS, *REFERENCES]), "1", "0", "-1", "70000", "3.10", "0x1F", "true", "false"]
)
DATES = st.sampled_from(["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "inf", "1_000"])
ANY_KEY = (st.sampled_from(KEYS) | NAMES).map(key_text)


def lists(values):
    return st.lists(values, max_size=3).map(lambda items: f"[{', '.join(items)}]")


def tables(values):
    pairs = st.dictionaries(ANY_KEY, values, max_size=4)
    return pairs.map(lambda found: "{" + ", ".join(f"{key} = {value}" for key, value in found.items()) + "}")


VALUES = st.recursive(SCALARS | DATES, lambda inner: lists(inner) | tables(inner), max_leaves=5)
KINDS = st.sampled_from(["services", "databases", "tasks", "processes"])
HEADERS = st.one_of(
    st.sampled_from(sorted(field.alias or name for name, field in Manifest.model_fields.items())),
    st.tuples(KINDS, NAMES).map(lambda pair: f"{pair[0]}.{key_text(pair[1])}"),
    ANY_KEY,
)
BLOCKS = st.tuples(HEADERS, st.dictionaries(ANY_KEY, VALUES, max_size=5)).map(
    lambda block: "\n".join([f"[{block[0]}]", *(f"{key} = {value}" for key, value in block[1].items())])
)
DOCUMENTS = st.lists(BLOCKS, max_size=6).map("\n".join)


def check(error, text):
    place = error.place

    assert isinstance(error, ManifestError)
    assert re.fullmatch(r"manifest/[a-z-]+", error.slug)
    assert 0 < len(error.what) <= 100
    assert error.what.isprintable()
    assert not error.what.endswith(".")
    assert not re.search(r"\b(in|il)(valid|legal)\b", f"{error.what} {place.label} {error.help}".lower())
    if place.line:
        assert place.source == text.split("\n")[place.line - 1]
        assert 1 <= place.column <= len(place.source) + 1
        assert 1 <= place.width <= max(len(place.source) - place.column + 1, 1)
    else:
        assert "missing" in error.slug or "nested" in error.what


@pytest.mark.faults(45, 46, 47)
@settings(max_examples=500, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, (), ("web",)]))
def test_any_manifest_is_read_or_refused_with_places(text, procfile):
    try:
        manifest = parse_manifest(text, "devboot.toml", procfile=procfile)
    except Problems as problems:
        lines = [error.place.line for error in problems.errors]

        assert sorted(lines) == lines
        for error in problems.errors:
            check(error, text)
    else:
        assert isinstance(manifest, Manifest)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(st.sampled_from("[]{}=.,'\"\\#ab1 \n\r\t"), max_size=40))
def test_any_text_is_read_or_refused(text):
    errors = ()
    try:
        parse_manifest(text, "devboot.toml")
    except Problems as problems:
        errors = problems.errors

    assert all(error.slug.startswith("manifest/") for error in errors)
    assert all(len(error.what) <= 100 and error.what.isprintable() for error in errors)
