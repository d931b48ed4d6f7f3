"""Tools of a manifest: a version, or a table that insists on a source as well."""

import pytest

from devboot.errors import Problems
from devboot.model.edge.lockfile.lock import Wish
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.resolve.packages import tool_wishes


def test_a_tool_is_a_version_or_a_table():
    manifest = parse_manifest(
        '[packages]\nnode = "24"\njust = "*"\nshout = { version = "1", source = "build" }\n'
        'hugo = { source = "host" }\n',
        "devboot.toml",
    )

    assert tuple(tool_wishes(manifest)) == (
        Wish("node", "24"),
        Wish("just"),
        Wish("shout", "1", "build"),
        Wish("hugo", "", "host"),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('shout = { verison = "1" }', "unknown key `verison` in `packages.shout`"),
        (
            'shout = { source = "wheels" }',
            "`source` must be one of `wheel`, `app`, `conda`, `deb`, `npm`, `archive`, `build`, `host`",
        ),
        ("shout = [1]", "`shout` must be a string or a number, found a list"),
    ],
)
def test_what_is_neither_is_refused(line, said):
    with pytest.raises(Problems) as caught:
        parse_manifest(f"[packages]\n{line}\n", "devboot.toml")

    (error,) = caught.value.errors
    assert said == error.what
    assert error.place.line == 2
