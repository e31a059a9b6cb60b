"""Gets by properties against a real store writer: what is tested, what bitmaps save, and how far one get goes."""

import pytest

from rocketpy._core import store_reader
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import Message, decode_messages, encode_batch, encode_properties
from rocketpy._core.message_filter import ExpressionFilter, FilterBitmaps
from rocketpy._core.store_writer import StoreWriter
from rocketpy.filter import compile_expression

HOST = b"\x7f\0\0\1\0\0\x2a\x9f"
FOUND, NO_MATCHED_MESSAGE = 0, 1
BORN_MS = 1000
LATE, EARLY = BORN_MS + 1, BORN_MS
POSITIONS, OTHER = (3, 12), (3, 20)


def test_by(expression, positions=(), born_ms=BORN_MS, bitmap_bytes=3):
    return ExpressionFilter(compile_expression(expression), positions, bitmap_bytes, born_ms)


test_by.__test__ = False


class Bench:
    """A queue of topic T with units; `bitmaps` is of its messages."""

    def __init__(self, folder):
        self.writer = StoreWriter(MappedFiles(str(folder / "log"), 1 << 20), 4 << 20, str(folder / "cq"), 200_000)
        self.writer.use_ext(str(folder / "ext"), 1 << 16, True)
        self.bitmaps = self.writer.bitmaps[b"T"] = FilterBitmaps()
        self.queue = self.writer.queue(b"T", 0)

    def put(self, colour, store_timestamp=LATE, **more):
        properties = encode_properties({"colour": colour})
        status, *_ = self.writer.put(
            b"T", 0, colour.encode(), properties, store_timestamp=store_timestamp, born_timestamp=0, born_host=HOST,
            store_host=HOST, **more,
        )  # fmt: skip
        assert status == 0

    def get(self, wanted, offset=0, max_nums=32, codes=None):
        status, body, count, following, *_ = store_reader.get(
            self.writer, self.queue, offset, max_nums, codes, wanted
        )
        assert count == len(decode_messages(body))
        return status, [message.body.decode() for message in decode_messages(body)], following

    def bitmap(self, index):
        return self.queue.ext.unit(self.queue.stored_entry(index)[2])[2]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_only_what_is_wanted_is_handed_out(bench):
    for colour in ("red", "blue", "red"):
        bench.put(colour)
    assert bench.get(test_by("colour = 'red'")) == (FOUND, ["red", "red"], 3)
    assert bench.get(test_by("colour = 'blue'"), 2) == (NO_MATCHED_MESSAGE, [], 3)
    assert bench.get(test_by("colour = 'red'"), max_nums=1) == (FOUND, ["red"], 1)


def test_tags_are_asked_first(bench):
    bench.put("red")
    assert bench.get(test_by("TRUE"), codes=[5]) == (NO_MATCHED_MESSAGE, [], 1)
    assert bench.get(test_by("TRUE"), codes=[0]) == (FOUND, ["red"], 1)


def test_one_get_tests_no_more_than_it_may(bench):
    for _ in range(4200):
        bench.put("blue")
    red = test_by("colour = 'red'")
    assert bench.get(red) == (NO_MATCHED_MESSAGE, [], 800)  # upstream's 16,000 bytes of the queue
    assert bench.get(red, max_nums=1000) == (NO_MATCHED_MESSAGE, [], 1000)
    assert bench.get(red, max_nums=2**31 - 1) == (NO_MATCHED_MESSAGE, [], 4096)


# -- bitmaps


def test_units_get_the_bits_of_the_filters_that_match(bench):
    bench.put("none yet")
    bench.bitmaps.use([test_by("colour = 'red'", POSITIONS), test_by("colour IS NOT NULL", OTHER)], 3)
    bench.put("red")
    bench.put("blue")
    bench.bitmaps.use([], 3)
    bench.put("none any more")
    assert [bench.bitmap(index) for index in range(4)] == [b"", b"\x08\x10\x10", b"\x08\x00\x10", b""]


def test_every_message_of_a_batch_gets_its_own(bench):
    bench.bitmaps.use([test_by("colour = 'red'", POSITIONS)], 3)
    batch = encode_batch([Message("T", b"x", properties={"colour": colour}) for colour in ("red", "blue")])
    status, *_ = bench.writer.put_batch(
        b"T", 0, batch, store_timestamp=LATE, born_timestamp=0, born_host=HOST, store_host=HOST
    )
    assert status == 0
    assert [bench.bitmap(index) for index in range(2)] == [b"\x08\x10\x00", b"\x00\x00\x00"]


def test_a_queue_that_is_there_before_its_topic_has_filters(bench):
    del bench.writer.bitmaps[b"T"]
    bench.writer.bitmaps_changed(b"T")
    bench.put("red")
    bench.writer.bitmaps[b"T"] = FilterBitmaps()
    bench.writer.bitmaps[b"T"].use([test_by("TRUE", POSITIONS)], 3)
    bench.writer.bitmaps_changed(b"T")
    bench.put("red")
    assert [bench.bitmap(index) for index in range(2)] == [b"", b"\x08\x10\x00"]


def lying(bench, store_timestamp, bitmap=b"\0\0\0"):
    """A message that the expression wants and whose bitmap says it does not: was the bitmap believed?"""
    bench.put("red", store_timestamp, filter_bitmap=bitmap)
    status, _, _ = bench.get(test_by("colour = 'red'", POSITIONS))
    return status == NO_MATCHED_MESSAGE


@pytest.fixture
def plain(bench):
    """A queue that makes no bitmaps of its own."""
    del bench.writer.bitmaps[b"T"]
    bench.writer.bitmaps_changed(b"T")
    return bench


@pytest.mark.parametrize("bitmap", [b"\0\0\0", b"\x08\0\0", b"\0\x10\0", b"\xf7\xff\xff"])
def test_a_bit_that_is_not_set_spares_the_message(plain, bitmap):
    assert lying(plain, LATE, bitmap)


@pytest.mark.parametrize(
    ("store_timestamp", "bitmap"),
    [(EARLY, b"\0\0\0"), (LATE, b""), (LATE, b"\0\0"), (LATE, b"\0\0\0\0"), (LATE, b"\x08\x10\0")],
)
def test_a_bitmap_that_says_nothing_is_not_believed(plain, store_timestamp, bitmap):
    assert not lying(plain, store_timestamp, bitmap)


def test_bits_that_are_set_by_others_leave_it_to_the_properties(plain):
    plain.put("blue", LATE, filter_bitmap=b"\xff\xff\xff")
    assert plain.get(test_by("colour = 'red'", POSITIONS))[0] == NO_MATCHED_MESSAGE


def test_a_filter_without_positions_asks_every_message(plain):
    plain.put("red", LATE, filter_bitmap=b"\0\0\0")
    assert plain.get(test_by("colour = 'red'"))[0] == FOUND
