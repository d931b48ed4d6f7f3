"""What devboot says to MongoDB: BSON, compared with the driver's own, and messages cut anywhere."""

import contextlib
import socket
import struct
import threading

import bson
import pytest
from hypothesis import given, strategies as st

from devboot.services.mongo_client import OP_MSG, call, decode, encode, scram_proof

NAMES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=8)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=8),
    st.text(st.characters(blacklist_categories=("Cs",)), max_size=12),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)


@pytest.mark.parametrize(
    ("document", "data"),  # examples of bsonspec.org
    [
        ({"hello": "world"}, b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0"),
        (
            {"BSON": ["awesome", 5.05, 1986]},
            b"\x31\0\0\0\x04BSON\0\x26\0\0\0\x020\0\x08\0\0\0awesome\0\x011\0\x33\x33\x33\x33\x33\x33\x14\x40\x102\0\xc2\x07\0\0\0\0",
        ),
        ({}, b"\x05\0\0\0\0"),
    ],
)
def test_documents_are_those_of_the_specification(document, data):
    assert encode(document) == data
    assert decode(data) == document


@given(DOCUMENTS)
def test_the_drivers_bson_is_the_same(document):
    assert encode(document) == bson.encode(document)
    assert decode(bson.encode(document)) == document


def test_what_a_server_adds_is_read_over():
    added = {"id": bson.ObjectId(), "n": None, "long": bson.Int64(1), "uuid": bson.Binary(b"four", 4)}
    answer = {**added, "at": bson.Timestamp(1, 2), "day": bson.decode(bson.encode({"d": None}))["d"], "ok": 1.0}

    assert decode(bson.encode(answer))["ok"] == 1.0
    assert decode(bson.encode(answer))["uuid"] == b"four"


@pytest.mark.parametrize(("value", "error"), [(2**31, struct.error), (None, TypeError), ({"a\0b": 1}, ValueError)])
def test_what_it_has_no_bson_for_is_refused(value, error):
    with pytest.raises(error):
        encode({"value": value})


@given(st.binary(max_size=60) | st.builds(lambda d, n: encode(d)[:n], DOCUMENTS, st.integers(0, 80)))
def test_any_bytes_are_a_document_or_an_error(data):
    with contextlib.suppress(ValueError):
        assert isinstance(decode(data), dict)


@pytest.fixture
def answered():
    """What a call returns where these bytes are the answer."""

    def answer(data):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)
            reader = threading.Thread(target=theirs.recv, args=(65536,))
            reader.start()
            try:
                return call(ours, {"ping": 1, "$db": "admin"})
            finally:
                reader.join()

    return answer


def message(document, *, kind=OP_MSG, flags=0, behind=b""):
    body = struct.pack("<IB", flags, 0) + encode(document) + behind
    return struct.pack("<iiii", 16 + len(body), 7, 1, kind) + body


@pytest.mark.parametrize("ok", [1.0, 1, True])
def test_an_answer_is_its_document_with_a_checksum_behind_it_or_none(answered, ok):
    assert answered(message({"ok": ok, "n": 2})) == {"ok": ok, "n": 2}
    assert answered(message({"ok": ok}, flags=1, behind=b"crc!")) == {"ok": ok}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (message({"ok": 0.0, "errmsg": "not today"}), "not today"),
        (message({"ok": 0.0, "errmsg": "not you", "codeName": "Unauthorized"}), r"not you \(Unauthorized\)"),
        (message({}), "the server refuses"),
        (message({"ok": 1.0}, kind=1), "another protocol"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "another protocol"),
        (message({"ok": 1.0})[:-3], "closed"),
        (b"", "closed"),
    ],
)
def test_every_other_answer_is_an_error(answered, data, text):
    with pytest.raises((ValueError, OSError), match=text):
        answered(data)


def test_a_login_is_that_of_the_standard():
    nonce = "rOprNGfwEbeRWgbNEkqO"  # the example of RFC 7677
    challenge = f"r={nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

    assert scram_proof("user", "pencil", nonce, challenge) == (
        f"c=biws,r={nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    with pytest.raises(ValueError, match="another login"):
        scram_proof("user", "pencil", "another", challenge)
