"""Digests: written one way, and nothing else is taken for one."""

import pytest

from devboot.model.artifact import Digest, digest_of, parse_digest

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_digest_is_written_as_it_is_read():
    assert f"sha256:{EMPTY}" == str(parse_digest(f"sha256:{EMPTY}"))
    assert Digest(EMPTY) == digest_of(b"")
    assert "e3b0c44298fc" == digest_of(b"").short


@pytest.mark.parametrize("text", ["", EMPTY, f"md5:{EMPTY[:32]}", f"sha256:{EMPTY[1:]}", f"sha256:{EMPTY.upper()}"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="expected `sha256:` and 64 hexadecimal digits"):
        parse_digest(text)
