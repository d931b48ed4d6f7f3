"""What is read out of uv's answer about a release."""

from devboot.uv.listing import ListedFile, Listing, parse_listing

ANSWER = """\
lock-version = "1.0"

[[packages]]
name = "toy"
version = "1.2.0"
sdist = { url = "https://example.test/files/toy-1.2.0.tar.gz", size = 1, hashes = { sha256 = "aa" } }
wheels = [
    WHEEL,
    { name = "toy-1.2.0-py3-none-any.whl", path = "files/other.whl", hashes = { sha256 = "cc" } },
]
""".replace(
    "WHEEL",
    '{ url = "https://example.test/files/toy-1.2.0+one-py3-none-macosx_11_0_arm64.whl#x=1", '
    'upload-time = 2026-03-01T10:00:00Z, size = 20, hashes = { sha256 = "bb" } }',
)


def test_names_digests_sizes_and_dates_are_read_and_addresses_are_left():
    assert parse_listing(ANSWER) == Listing(
        "toy",
        "1.2.0",
        (
            ListedFile("toy-1.2.0+one-py3-none-macosx_11_0_arm64.whl", "bb", 20, "2026-03-01T10:00:00Z"),
            ListedFile("toy-1.2.0-py3-none-any.whl", "cc", 0, ""),
        ),
    )


def test_a_release_without_wheels_has_none():
    assert parse_listing('[[packages]]\nname = "toy"\nversion = "1"\n').wheels == ()
