"""The channel: what is well-formed passes, everything else stops at the first wrong byte."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.sandbox.api import Limits
from grader.sandbox.frames import CAPS, FrameReader, ProtocolFault, TooMuch, strict_json

CELL, WEIGHTS, DONE = 1, 4, 7


def frame(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "little") + bytes([kind]) + payload


def test_frames_arrive_whole_whatever_the_pieces() -> None:
    stream = frame(CELL, b'{"a": 1}') + frame(WEIGHTS, bytes(range(256))) + frame(DONE, b"{}")
    for size in (1, 3, 7, len(stream)):
        reader = FrameReader(Limits())
        for start in range(0, len(stream), size):
            reader.feed(stream[start : start + size])
        assert [(f.kind, len(f.payload)) for f in reader.frames] == [
            ("cell", 8),
            ("weights", 256),
            ("done", 2),
        ]
        assert reader.done


@pytest.mark.parametrize(
    ("stream", "word"),
    [
        (frame(99, b""), "unknown frame type 99"),
        ((1 << 31).to_bytes(4, "little") + bytes([CELL]), "at most"),
        (frame(DONE, b"{}") + frame(CELL, b"{}"), "after the last one"),
        (frame(CELL, b"{"), "malformed JSON"),
        (frame(CELL, b'{"a": NaN}'), "NaN"),
        (frame(CELL, b'{"a": -Infinity}'), "Infinity"),
        (frame(CELL, b'{"a": 1, "a": 2}'), "duplicate keys"),
        (frame(CELL, b'{"a": {"b": 1, "b": 2}}'), "duplicate keys"),
        (frame(CELL, b"[" * 40 + b"]" * 40), "deeper than 32"),
        (frame(CELL, b"9" * 5000), "malformed JSON"),
        (frame(CELL, b"\xff\xfe"), "malformed JSON"),
    ],
)
def test_what_the_protocol_forbids(stream: bytes, word: str) -> None:
    with pytest.raises(ProtocolFault, match=word):
        FrameReader(Limits()).feed(stream)


def test_depth_is_counted_outside_of_strings_only() -> None:
    text = json.dumps({"a": "[" * 100 + '\\"{' * 10})
    assert strict_json(text.encode()) == json.loads(text)


def test_frames_before_a_fault_are_kept() -> None:
    reader = FrameReader(Limits())
    with pytest.raises(ProtocolFault):
        reader.feed(frame(CELL, b"{}") + frame(50, b""))
    assert [f.kind for f in reader.frames] == ["cell"]


def test_the_number_of_frames_and_of_bytes_is_capped() -> None:
    with pytest.raises(ProtocolFault, match="more than 10 frames"):
        FrameReader(Limits(frames=10)).feed(frame(CELL, b"{}") * 11)
    with pytest.raises(TooMuch):
        FrameReader(Limits(channel=1000)).feed(bytes(1001))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    reader = FrameReader(Limits())
    with suppress(ProtocolFault):
        reader.feed(data)
    assert all(len(f.payload) <= CAPS[f.kind] for f in reader.frames)
