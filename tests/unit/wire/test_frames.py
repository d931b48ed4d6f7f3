"""Frames arrive in any pieces; what is no frame is noticed at once."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from devboot.wire import frames
from devboot.wire.frames import FrameError, FrameReader, frame

KIND = st.sampled_from([bytes([kind]) for kind in frames.KINDS])


@given(st.lists(st.tuples(KIND, st.binary(max_size=300)), max_size=8), st.integers(1, 50))
def test_frames_survive_being_cut_anywhere(sent, step):
    stream = b"".join(frame(kind, payload) for kind, payload in sent)
    reader = FrameReader()

    got = [one for start in range(0, len(stream), step) for one in reader.feed(stream[start : start + step])]

    assert got == sent


@pytest.mark.faults(66)
def test_an_unknown_kind_is_refused_before_its_payload_comes():
    with pytest.raises(FrameError):
        list(FrameReader().feed(b"GET / HTTP/1.1\r\n"))


@pytest.mark.faults(66)
def test_a_frame_above_the_limit_is_refused_by_its_header():
    with pytest.raises(FrameError):
        list(FrameReader(limit=100).feed(b"J" + (101).to_bytes(4, "big")))


@pytest.mark.faults(66)
@given(st.binary(max_size=200))
def test_garbage_gives_frames_or_an_error_and_nothing_else(data):
    reader = FrameReader(limit=1000)
    try:
        for kind, payload in reader.feed(data):
            assert kind in frames.KINDS
            assert len(payload) <= 1000
    except FrameError:
        pass
