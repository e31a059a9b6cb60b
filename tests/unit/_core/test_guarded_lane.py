"""A lane behind a check: what it lets through is served as without it, what it refuses is not touched."""

import pytest

from rocketpy._core.command import Command
from rocketpy._core.fast_lane import FastLane
from rocketpy._core.guarded_lane import GuardedLane
from rocketpy._core.holds import Holds
from rocketpy._core.lane import Lane, LanePeer
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.store_writer import StoreWriter
from rocketpy._core.traffic import Items
from rocketpy.broker.lane_rules import SendRule
from rocketpy.errors import RequestRefused

HOST = b"\x7f\0\0\1\0\0\x2a\x9f"
MIDDLE = b'","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"'
EXT = {"a": "PG", "b": "T", "c": "TBW102", "d": "4", "e": "1", "f": "0", "g": "1565000000123", "h": "0"}


class Rules:
    def send_rule(self, topic):
        return SendRule(4, 0)


class Bench:
    """A guarded fast lane and its gate; `checked` is what `check` saw, `asked` what `allows` was asked."""

    def __init__(self, folder, guarded=True):
        self.writer = StoreWriter(MappedFiles(str(folder / "log"), 1 << 20), 4 << 20, str(folder / "cq"), 6000)
        items = Items("puts", 10), Items("gets", 10)
        inner = FastLane(self.writer, Holds(self.writer, lambda: None), Rules(), None, HOST, MIDDLE, *items)
        self.lane = GuardedLane(inner, self) if guarded else inner
        self.peer = LanePeer()
        self.checked, self.asked = [], []
        self.refuse = self.white = self.known = False

    def is_white(self, peer):
        assert peer is self.peer
        return self.white

    def allows(self, *asked):
        self.asked.append(asked)
        return self.known

    def check(self, peer, command):
        assert peer is self.peer
        self.checked.append((command.code, dict(command.ext), command.body))
        if self.refuse:
            raise RequestRefused(1, "no")

    def offer(self, frame):
        return self.lane.offer(frame, self.peer, 1_565_000_000_000)

    def replies(self):
        self.lane.finish_turn(self.peer)
        return self.peer.take_out()


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_what_passes_is_served_as_without_a_check(bench, tmp_path):
    (tmp_path / "plain").mkdir()
    plain = Bench(tmp_path / "plain", guarded=False)
    frame = Command(310, EXT, b"Hello", opaque=5).encode()
    assert bench.offer(frame)
    assert plain.offer(frame)
    assert bench.checked == [(310, EXT, b"Hello")]
    assert bench.replies() == plain.replies() != b""
    assert bench.writer.log.read(0, 200) == plain.writer.log.read(0, 200)


def test_what_is_refused_is_not_stored(bench):
    bench.refuse = True
    with pytest.raises(RequestRefused):
        bench.offer(Command(310, EXT, b"Hello").encode())
    assert bench.writer.log.end_offset == 0
    assert bench.replies() == b""


SIGNED = {**EXT, "AccessKey": "ak", "Signature": "sig=", "i": "k\x01v\x02"}


def test_what_is_known_to_be_allowed_needs_no_command(bench):
    bench.known = True
    assert bench.offer(Command(310, SIGNED, b"Hello").encode())
    assert bench.checked == []
    assert bench.asked == [(310, "ak", b"sig=", b"akPGTTBW10241015650000001230k\x01v\x02Hello", "T", "")]


def test_what_is_not_known_is_checked_as_a_whole(bench):
    assert bench.offer(Command(310, SIGNED, b"Hello").encode())
    assert bench.checked == [(310, SIGNED, b"Hello")]


def test_a_pull_is_asked_with_its_group(bench):
    ext = {"topic": "T", "consumerGroup": "G", "b": "x", "AccessKey": "ak", "Signature": "s"}
    bench.known = True
    bench.offer(Command(11, ext).encode())
    assert bench.asked == [(11, "ak", b"s", b"akxGT", "T", "G")]
    del ext["consumerGroup"]
    bench.offer(Command(11, ext).encode())
    assert len(bench.asked) == len(bench.checked) == 1


def test_a_white_listed_peer_is_asked_nothing(bench):
    bench.white = True
    assert bench.offer(Command(310, EXT, b"Hello").encode())
    assert (bench.checked, bench.asked) == ([], [])


@pytest.mark.parametrize("code", [34, 17, 25, 105])
def test_other_codes_are_for_the_full_lane(bench, code):
    assert not bench.offer(Command(code, EXT).encode())
    assert bench.checked == []


def twice(name: str, value: str) -> bytes:
    """A frame whose header has one ext field twice; a dict holds the later one only."""
    frame = Command(310, {**SIGNED, "~": value}, b"Hello").encode()
    assert len(name) == 1
    return frame.replace(b'"~"', f'"{name}"'.encode())


@pytest.mark.parametrize(
    "frame",
    [
        twice("b", "Other"),
        twice("e", "0"),
        Command(310, {**SIGNED, "topic": "Other"}, b"Hello").encode(),
        Command(320, {**SIGNED, "topic": "Other", "m": "true"}, b"Hello").encode(),
        Command(10, {**SIGNED, "topic": "Other"}, b"Hello").encode(),
        Command(310, None, b"Hello").encode(),
    ],
)
def test_a_topic_that_could_be_read_in_two_ways_is_for_the_full_lane(bench, frame):
    bench.known = True
    assert not bench.offer(frame)
    assert bench.checked == bench.asked == []
    assert bench.writer.log.end_offset == 0


def test_an_inner_lane_that_serves_nothing(bench):
    lane = GuardedLane(Lane(), bench)
    assert not lane.offer(Command(310, EXT, b"Hello").encode(), bench.peer, 0)
    lane.finish_turn(bench.peer)
