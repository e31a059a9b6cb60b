"""Frames: round trips, garbage, and reads that end anywhere."""

import asyncio
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocketpy._core.command import Command
from rocketpy._core.frame import scan
from rocketpy.clock import ManualClock
from rocketpy.errors import ProtocolError
from rocketpy.remoting.connection import Connection, Endpoint

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "data" / "frames").glob("r*_*.bin"))
LANGUAGES = ["JAVA", "CPP", "GO", "PYTHON", "OTHER", "OMS"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
i32 = st.integers(-(2**31), 2**31 - 1)
i16 = st.integers(-(2**15), 2**15 - 1)


@st.composite
def commands(draw):
    return Command(
        draw(i16),
        draw(st.none() | st.dictionaries(texts, texts, min_size=1, max_size=50)),
        draw(st.none() | st.binary(min_size=1, max_size=300)),
        opaque=draw(i32),
        flag=draw(i32),
        language=draw(st.sampled_from(LANGUAGES)),
        version=draw(i16),
        remark=draw(st.none() | texts.filter(bool)),
    )


@given(commands(), st.sampled_from([0, 1]))
def test_what_was_encoded_decodes(command, kind):
    assert Command.decode(command.encode(kind)) == command


@given(commands(), st.sampled_from([0, 1]))
def test_the_scanner_and_the_full_decoder_agree(command, kind):
    frame = command.encode(kind)
    length, found = scan(frame)
    assert length == len(frame)
    if not found["odd"]:
        names = ("code", "ext", "body", "opaque", "flag", "version", "remark")
        assert [found[name] for name in names] == [getattr(command, name) for name in names]


def decode_or_refuse(data):
    """A command or ProtocolError; anything else fails the test."""
    try:
        return Command.decode(data)
    except ProtocolError:
        return None


@given(st.binary(max_size=200), st.sampled_from([0, 1]))
def test_garbage_is_a_command_or_a_protocol_error(header, kind):
    decode_or_refuse(header)
    decode_or_refuse(struct.pack(">II", 4 + len(header), kind << 24 | len(header)) + header)


@given(st.text('{}[]":,\\/u0123456789abcdefxtrualsn-+.e \'codeExtFields\ud83d\ude00é\x00', max_size=120))
def test_garbage_that_looks_like_json_is_a_command_or_a_protocol_error(text):
    header = text.encode("utf-8", "surrogatepass")
    decode_or_refuse(struct.pack(">II", 4 + len(header), len(header)) + header)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_frame_with_a_byte_changed_cut_or_added_never_crashes(path):
    frame = path.read_bytes()
    for at in range(len(frame)):
        for value in (frame[at] ^ 1, frame[at] ^ 0x80, 0, 0xFF, 0x22, 0x5C, 0x7B):
            decode_or_refuse(frame[:at] + bytes([value]) + frame[at + 1 :])
        decode_or_refuse(frame[:at])
        decode_or_refuse(frame[:at] + frame[at + 1 :])
        decode_or_refuse(frame[:at] + b"\xff" + frame[at:])


def test_many_random_changes_never_crash():
    chance = random.Random(4_5_2)
    frames = [path.read_bytes() for path in GOLDEN]
    for _ in range(5_000):
        frame = bytearray(chance.choice(frames)[:600])
        for _ in range(chance.randint(1, 6)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        decode_or_refuse(bytes(frame))


class Wire:
    """A transport without a socket: what the connection writes is collected."""

    def __init__(self):
        self.written = b""
        self.closed = False

    def get_extra_info(self, name):
        return ("127.0.0.1", 40000) if name == "peername" else None

    def write(self, data):
        self.written += data

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def set_write_buffer_limits(self, high, low):
        pass


def feed(connection, data):
    """Give bytes to a connection the way a loop does."""
    while data:
        window = memoryview(connection.get_buffer(-1))
        size = min(len(window), len(data))
        window[:size] = data[:size]
        window.release()
        connection.buffer_updated(size)
        data = data[size:]


def answers(pieces):
    """What a connection writes when its input comes in these pieces."""

    async def main():
        seen = []

        def note(connection, request):
            seen.append(request)
            return Command(0, {"n": str(len(seen))}, request.body)

        # A clock that stands still: on a busy machine a turn may take so long that it goes on in the loop's next one.
        endpoint = Endpoint(dict.fromkeys(range(-(2**15), 2**15), note), name="property", clock=ManualClock())
        connection = Connection(endpoint)
        wire = Wire()
        connection.connection_made(wire)
        for piece in pieces:
            feed(connection, piece)
        connection.connection_lost(None)
        return seen, wire.written

    return asyncio.run(main())


@settings(max_examples=40)
@given(st.lists(st.tuples(commands(), st.sampled_from([0, 1])), min_size=1, max_size=6), st.data())
def test_frames_do_not_depend_on_where_reads_end(items, data):
    for command, _ in items:
        command.flag &= ~1
    whole = b"".join(command.encode(kind) for command, kind in items)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert answers(pieces) == answers([whole])
    assert answers([whole])[0] == [command for command, _ in items]


@pytest.mark.parametrize("size", [65_500, 65_536, 65_537, 200_000, 262_144, 262_145, 1_000_000])
@pytest.mark.parametrize("step", [1_000, 65_536, 262_144, 10_000_000])
def test_long_frames_do_not_either(size, step):
    frames = [Command(1, None, bytes([n]) * size, opaque=n) for n in (1, 2)]
    whole = b"".join(command.encode() for command in frames) + Command(2, opaque=3).encode()
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    assert [command.opaque for command in answers(pieces)[0]] == [1, 2, 3]
    assert answers(pieces)[0][:2] == frames
