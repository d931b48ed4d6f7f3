"""recipe.toml and versions.toml: what they say, and what doesn't load."""

from textwrap import dedent

import pytest

from devboot.errors import Problems
from devboot.model.edge.recipe.recipe import parse_recipe, parse_releases
from devboot.model.edge.recipe.source_tables import DebOrigin, HostOrigin, WheelOrigin
from tests.fakes.rendering import render

WHOLE = """\
[package]
name = "redis"
description = "In-memory data store"
revision = 2
licenses = { "8" = "AGPL-3.0-only" }
data-format = "redis"

[[source]]
kind = "wheel"
name = "redis-bin"
publisher = "Example"
bin = { redis-server = "redis_bin/bin/redis-server" }
drop = ["*.py"]

[[source]]
kind = "deb"
names = ["redis-server", "redis-tools"]
bin = { redis-server = "usr/bin/redis-server" }

[[source]]
kind = "host"
version = "v=(\\\\d+\\\\.\\\\d+)"

[provides]
url = "redis://{host}:{port}"
[provides.env]
"*" = { REDIS_URL = "{url}/0" }
celery = { CELERY_BROKER_URL = "{url}/0" }

[service]
command = ["redis-server", "--port", "{port}", "--dir", "{data}"]
port = 6379
env = { LC_ALL = "C" }
check = "rdb"
[service.settings]
form = ["--{name}", "{words}"]
defaults = { bind = "127.0.0.1", save = ["900 1", "60 100"] }
reserved = { port = "write `port = …` beside `settings`" }
[service.ready]
tcp = "{port}"
send = "*1\\r\\n$4\\r\\nPING\\r\\n"
expect = "+PONG"
loading = "-LOADING"
[service.stop]
signal = "SIGTERM"
timeout = "30s"
[[service.failure]]
log = "can't exit"
slug = "redis/save-failed"
what = "redis can't save its data"
help = "df -h {data}"

[test]
version = "--version"
ask = { send = "PING\\r\\n", expect = "+PONG" }
"""

MINIMAL = """\
[package]
name = "just"
description = "A command runner"
[[source]]
kind = "wheel"
name = "rust-just"
[test]
"""


def refused(text):
    with pytest.raises(Problems) as raised:
        parse_recipe(dedent(text), "recipe.toml")
    return raised.value


def test_a_recipe_is_read():
    recipe = parse_recipe(WHOLE, "recipe.toml")
    service = recipe.service

    assert ("redis", 2, "redis", {"8": "AGPL-3.0-only"}) == (
        recipe.package.name,
        recipe.package.revision,
        recipe.package.data_format,
        recipe.package.licenses,
    )
    assert [WheelOrigin, DebOrigin, HostOrigin] == [type(source) for source in recipe.source]
    assert "{url}/0" == recipe.provides.env["celery"]["CELERY_BROKER_URL"]
    assert {"bind": ("127.0.0.1",), "save": ("900 1", "60 100")} == service.settings.defaults
    assert ("*1\r\n$4\r\nPING\r\n", "+PONG", "SIGTERM", 30.0) == (
        service.ready.send,
        service.ready.expect,
        service.stop.signal,
        service.stop.timeout,
    )
    assert "redis/save-failed" == service.failure[0].slug


def test_a_tool_needs_no_service():
    assert parse_recipe(MINIMAL, "recipe.toml").service is None


def test_a_recipe_without_test_does_not_load():
    assert """\
error[recipe/missing-key]: `test` is missing in the file
  --> recipe.toml
help: add `[test]`

1 problem in recipe.toml; the recipe isn't used
""" == render(refused(MINIMAL.replace("[test]\n", "")))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('kind = "wheel"', 'kind = "whl"', "item 1 of `source` needs one of kind = "),
        ('name = "redis-bin"', 'nam = "redis-bin"', "unknown key `nam` in `[[source]]`"),
        (
            'names = ["redis-server", "redis-tools"]',
            'names = "redis-server"',
            "`names` must be a list of strings, found a string",
        ),
        ('"--dir", "{data}"', '"--dir", "{dta}"', "item 5 of `command` has the unknown placeholder `{dta}`"),
        ('"{url}/0" }\ncelery', '"{adress}/0" }\ncelery', "`REDIS_URL` has the unknown placeholder `{adress}`"),
        ('timeout = "30s"', "timeout = 30", '`timeout` must be a string like "5s", found an integer'),
        ('slug = "redis/save-failed"', 'slug = "Save failed"', "`slug` must be a slug"),
        ('log = "can\'t exit"', 'log = "("', "`log` must be a regular expression"),
        ("port = 6379\n", "", "`port` is missing in `[service]`"),
        ("revision = 2", "revision = 0", "`revision` must be at least 1"),
    ],
)
def test_a_mistake_is_named(old, new, what):
    assert old in WHOLE
    (error,) = refused(WHOLE.replace(old, new)).errors

    assert error.slug.startswith("recipe/")
    assert error.what.startswith(what)
    assert error.place.line > 0


def test_a_recipe_has_a_source():
    assert "recipe/missing-key" == refused(MINIMAL.replace('[[source]]\nkind = "wheel"\nname = "rust-just"\n', "")).slug
    assert (
        "recipe/value"
        == refused("source = []\n" + MINIMAL.replace('[[source]]\nkind = "wheel"\nname = "rust-just"\n', "")).slug
    )


def test_a_text_that_is_no_toml_has_its_place():
    assert ("recipe/syntax", 1) == ((error := refused("[package\n").errors[0]).slug, error.place.line)


RELEASES = """\
[[version]]
version = "8.2.3"
[version.linux-x86_64]
source = "wheel"
name = "redis-bin"
version = "1.4.1"
file = "redis_bin-1.4.1-py3-none-manylinux_2_17_x86_64.whl"
sha256 = "DIGEST"
size = 22001848
glibc = "2.28"
[version.unavailable]
macos-x86_64 = "redis-bin==1.4.1 has no wheel for it"
"""


def test_versions_have_a_row_or_a_reason_for_each_platform():
    (release,) = parse_releases(RELEASES.replace("DIGEST", "a" * 64), "versions.toml").version

    assert ("8.2.3", "1.4.1") == (release.version, release.row("linux-x86_64").version)
    assert ["linux-x86_64"] == list(release.rows())
    assert {"macos-x86_64": "redis-bin==1.4.1 has no wheel for it"} == release.unavailable


def test_a_version_without_digest_does_not_load():
    with pytest.raises(Problems) as raised:
        parse_releases(RELEASES.replace("DIGEST", "md5"), "versions.toml")

    assert ["`sha256` must be a sha256 digest"] == [error.what for error in raised.value.errors]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('shims = { npm = "{bin}/node {here}/npm.js" }', "`npm` has the unknown placeholder `{here}`"),
        ('shims = { npm = "node \'npm.js" }', "`npm` must be words for a shell"),
        ('substitute = { "bin/*" = ["/usr/lib/erlang"] }', "`bin/*` must have texts in pairs"),
        ('env = { HERE = "{data}" }', "`HERE` has the unknown placeholder `{data}`"),
    ],
)
def test_what_a_source_adds_is_checked(line, what):
    with pytest.raises(Problems) as caught:
        parse_recipe(WHOLE.replace('drop = ["*.py"]', line), "recipe.toml")

    assert [what] == [error.what for error in caught.value.errors]


def test_an_app_without_pins_is_refused():
    row = 'linux-x86_64 = { source = "app", name = "toy", version = "1", size = 1 }'
    with pytest.raises(Problems) as caught:
        parse_releases(f'[[version]]\nversion = "1"\n{row}\n', "versions.toml")

    (error,) = caught.value.errors
    assert ("recipe/value", "item 1 of `version` has an app for `linux-x86_64` and no pins") == (error.slug, error.what)
