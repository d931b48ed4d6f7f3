"""The lock is read, compared with the manifest, and written only where it has to change."""

import os
from types import SimpleNamespace

import pytest

from devboot.app.preparation.locking.lockfile import (
    LockOptions,
    ensure_lock,
    known_recipes,
    read_lock,
    shown_version,
    why_stale,
)
from devboot.errors import LockError, ManifestError
from devboot.events import RecordingReporter
from devboot.model.edge.artifacts import DistributionRow
from devboot.model.edge.lockfile.lock import LockedPackage, parse_lock
from devboot.model.edge.lockfile.merge import merge_locks
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.uv.client import Uv

NO_UV = Uv("/nonexistent/uv", {}, "/")


def lock(tmp_path, text, file="devboot.toml", **wish):
    manifest = parse_manifest(text, file)
    recipes = known_recipes(manifest, RecipeFolders([bundled_folder()]))
    path = str(tmp_path / "devboot.lock")
    return ensure_lock(
        path, manifest, recipes, None, NO_UV, wish=LockOptions(**wish), environ={}, reporter=RecordingReporter()
    )


def test_a_first_lock_pins_the_services_for_all_platforms(tmp_path):
    result = lock(tmp_path, "[services.redis]\nversion = '8'\n")

    assert result.written
    (package,) = parse_lock((tmp_path / "devboot.lock").read_bytes()).package
    assert "redis" == package.name
    assert package.version.startswith("8")
    assert {"linux-x86_64", "linux-aarch64", "macos-arm64"} <= set(package.rows())


def test_nothing_is_written_while_the_lock_fits(tmp_path):
    text = "[services.redis]\n[services.cache]\nrecipe = 'valkey'\n"
    lock(tmp_path, text)
    before = os.stat(tmp_path / "devboot.lock")

    result = lock(tmp_path, text)

    assert (False, ()) == (result.written, result.reasons)
    assert before == os.stat(tmp_path / "devboot.lock")


def test_a_project_without_anything_to_pin_gets_no_lockfile(tmp_path):
    lock(tmp_path, "[env]\nA = 'b'\n")

    assert not (tmp_path / "devboot.lock").exists()


@pytest.mark.faults(41)
def test_a_frozen_lock_is_never_rewritten(tmp_path):
    lock(tmp_path, "[services.redis]\n")
    before = (tmp_path / "devboot.lock").read_bytes()

    with pytest.raises(LockError) as caught:
        lock(tmp_path, "[services.redis]\n[services.valkey]\n", is_frozen=True)

    assert "lock/stale" == caught.value.slug
    assert before == (tmp_path / "devboot.lock").read_bytes()


@pytest.mark.faults(41)
def test_a_lock_taken_as_it_is_stands_for_what_is_asked_for_now(tmp_path):
    lock(tmp_path, "[services.redis]\nversion = '7'\n[services.valkey]\n")
    before = (tmp_path / "devboot.lock").read_bytes()

    result = lock(tmp_path, "[services.redis]\nversion = '8'\n", takes_as_it_is=True)

    assert [("redis", "7.4.1", "8")] == [(one.name, one.version, one.requested) for one in result.lock.package]
    assert not result.written
    assert result.reasons
    assert before == (tmp_path / "devboot.lock").read_bytes()


def test_what_is_not_locked_at_all_is_not_chosen_either(tmp_path):
    lock(tmp_path, "[services.redis]\n")

    with pytest.raises(LockError) as caught:
        lock(tmp_path, "[services.redis]\n[services.valkey]\n", takes_as_it_is=True)

    assert "lock/frozen" == caught.value.slug
    assert "devboot.lock doesn't have `valkey`, and `--frozen` doesn't choose versions" == caught.value.what


def test_both_sides_of_a_conflict_are_resolved_anew_and_what_one_has_stays(tmp_path):
    old = lock(tmp_path, "[services.redis]\nversion = '8'\n").lock
    other = lock(tmp_path, "[services.redis]\nversion = '8'\n[services.valkey]\n", update=("*",)).lock
    (tmp_path / "devboot.lock").write_text("<<<<<<<\n")
    merged, _ = merge_locks(old, other)

    result = lock(tmp_path, "[services.redis]\nversion = '8'\n[services.valkey]\n", merged=merged)

    assert result.written
    assert parse_lock((tmp_path / "devboot.lock").read_bytes()) == other


def test_what_nothing_asks_for_any_more_leaves_the_lock(tmp_path):
    lock(tmp_path, "[services.redis]\n[services.valkey]\n")

    result = lock(tmp_path, "[services.valkey]\n")

    assert ["valkey"] == [package.name for package in result.lock.package]
    assert [("redis", "")] == [(change.name, change.new) for change in result.changes]


def test_there_is_no_lock_where_there_is_no_file(tmp_path):
    assert read_lock(str(tmp_path / "devboot.lock"), "devboot.lock") is None


@pytest.mark.parametrize("text", ["[services.just]\n", "[services.runner]\nrecipe = 'just'\n"])
def test_a_tool_among_the_services_is_refused_before_anything_is_locked(text):
    with pytest.raises(ManifestError) as caught:
        known_recipes(parse_manifest(text, "devboot.toml"), RecipeFolders([bundled_folder()]))

    assert caught.value.slug == "manifest/not-a-service"
    assert caught.value.place.line == 1


@pytest.mark.parametrize(
    ("name", "shown"), [("debian-13", "redis 7.0.15 (7.4.1 elsewhere)"), ("debian-99", "redis 7.4.1")]
)
def test_a_version_that_only_this_platform_has_is_shown_first(name, shown):
    row = DistributionRow.model_construct(on="debian-13", platform="linux-x86_64", product="7.0.15")
    package = LockedPackage.model_construct(name="redis", version="7.4.1", distribution=(row,))

    assert shown_version(package, SimpleNamespace(name=name, platform="linux-x86_64")) == shown


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("../devboot.toml", "devboot.lock doesn't fit the manifest"),
        ("/state/detected.toml", "the project's lock doesn't fit its files"),
    ],
)
def test_a_stale_lock_of_a_project_without_a_manifest_is_not_compared_with_one(tmp_path, file, what):
    with pytest.raises(LockError) as caught:
        lock(tmp_path, "[services.redis]\n", file, is_frozen=True)

    assert (caught.value.slug, caught.value.what) == ("lock/stale", what)


def test_what_changed_is_named_without_devboot_toml_where_there_is_none():
    wish = SimpleNamespace(root="/shop", packages=("tzdata",), exclude_newer="")
    inputs = (SimpleNamespace(path="/shop/requirements.txt"),)
    python = SimpleNamespace(wish=wish, inputs=inputs, loaded=SimpleNamespace(unlocked=object()))

    def said(file):
        return why_stale(None, parse_manifest("", file), python)

    assert said("devboot.toml") == ("requirements.txt + devboot.toml is not locked",)
    assert said("/state/detected.toml") == ("requirements.txt or what devboot detects is not locked",)
