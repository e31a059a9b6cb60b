"""Units beside a consume queue: where they stand, what they say, and what an entry has where no unit can be put."""

import struct
from itertools import pairwise
from pathlib import Path

import pytest

from rocketpy._core import store_reader
from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import Message, decode_messages, encode_batch
from rocketpy._core.store_writer import StoreWriter

FIRST = -(1 << 63)
UNIT = struct.Struct(">hqqh")
HOST = b"\x7f\0\0\1\0\0\x2a\x9f"
NOW_MS = 1_565_000_000_000


class Bench:
    """A writer that puts units into small files."""

    def __init__(self, folder: Path, file_size: int = 100, puts_units: bool = True) -> None:
        self.ext_folder = folder / "ext"
        self.writer = StoreWriter(
            MappedFiles(str(folder / "commitlog"), 1 << 20), 4 << 20, str(folder / "cq"), 2000
        )
        self.writer.use_ext(str(self.ext_folder), file_size, puts_units)
        self.queue: ConsumeQueue = self.writer.queue(b"T", 0)
        self.now_ms = NOW_MS

    def put(self, tags: str = "", bitmap: bytes = b"") -> None:
        self.now_ms += 1
        status, *_ = self.writer.put(
            b"T", 0, b"x", f"TAGS\x01{tags}\x02".encode() if tags else b"", store_timestamp=self.now_ms,
            born_timestamp=0, born_host=HOST, store_host=HOST, filter_bitmap=bitmap,
        )  # fmt: skip
        assert status == 0

    def put_batch(self, count: int) -> None:
        body = encode_batch([Message("T", b"%d" % number, properties={"TAGS": "b"}) for number in range(count)])
        status, *_ = self.writer.put_batch(
            b"T", 0, body, store_timestamp=NOW_MS, born_timestamp=0, born_host=HOST, store_host=HOST
        )
        assert status == 0

    @property
    def fields(self) -> list[int]:
        """The tags fields of all entries."""
        entries = [self.queue.stored_entry(index) for index in range(self.queue.max_offset)]
        return [entry[2] for entry in entries if entry]

    def file(self, start: int) -> Path:
        return self.ext_folder / "T" / "0" / f"{start:020d}"

    def with_tag(self, tag: str) -> list[int]:
        """Queue offsets of what a get with this tag finds."""
        found = store_reader.get(self.writer, self.queue, 0, 100, {java_hash_of(tag)})
        return [message.queue_offset for message in decode_messages(found[1])]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_entry_leads_to_its_unit(bench: Bench) -> None:
    bench.put("a")
    bench.put(bitmap=b"\x01\x02\x03")
    assert bench.fields == [FIRST, FIRST + 20]
    assert bench.queue.ext is not None
    assert bench.queue.ext.unit(FIRST) == (97, NOW_MS + 1, b"")
    assert bench.queue.ext.unit(FIRST + 20) == (0, NOW_MS + 2, b"\x01\x02\x03")
    assert [bench.queue.entry(index)[2] for index in (0, 1)] == [97, 0]  # type: ignore[index]
    expected = UNIT.pack(20, 97, NOW_MS + 1, 0) + UNIT.pack(23, 0, NOW_MS + 2, 3) + b"\x01\x02\x03"
    assert bench.file(0).read_bytes() == expected.ljust(100, b"\0")


def test_four_bytes_of_a_file_stay_free(bench: Bench) -> None:
    for bitmap in (20, 0, 0, 0):  # 40 + 20 + 20 bytes; 20 more would leave none
        bench.put("a", bytes(bitmap))
    assert bench.fields == [FIRST, FIRST + 40, FIRST + 60, FIRST + 100]
    data = bench.file(0).read_bytes()
    assert (len(data), data[80:]) == (100, b"\xff\xff" + bytes(18))
    assert UNIT.unpack_from(bench.file(100).read_bytes()) == (20, 97, NOW_MS + 4, 0)


@pytest.mark.parametrize(("bitmap", "fits"), [(76, True), (77, False)])
def test_a_unit_larger_than_a_file_is_not_put(bench: Bench, bitmap: int, fits: bool) -> None:
    bench.put("a", bytes(bitmap))
    bench.put("b")
    assert is_address(bench.fields[0]) is fits
    assert bench.fields[1] == (FIRST + 100 if fits else FIRST)
    assert bench.with_tag("a") == [0]


@pytest.mark.parametrize(("bitmap", "fits"), [(32747, True), (32748, False)])
def test_a_unit_has_at_most_32767_bytes(tmp_path: Path, bitmap: int, fits: bool) -> None:
    bench = Bench(tmp_path, file_size=100_000)
    bench.put("a", bytes(bitmap))
    assert bench.fields == [FIRST if fits else 97]


def test_a_batch_goes_over_several_files(bench: Bench) -> None:
    bench.put()
    bench.put_batch(10)
    assert bench.fields == [FIRST + number // 4 * 100 + number % 4 * 20 for number in range(11)]
    assert [path.name[-3:] for path in sorted(bench.file(0).parent.iterdir())] == ["000", "100", "200"]
    assert bench.with_tag("b") == list(range(1, 11))


def test_tags_are_those_of_the_unit(bench: Bench) -> None:
    for tag in "abacab":
        bench.put(tag)
    assert bench.with_tag("a") == [0, 2, 4]
    assert bench.with_tag("c") == [3]
    assert bench.with_tag("d") == []


@pytest.mark.parametrize("garbage", [bytes(20), b"\xff" * 20, UNIT.pack(21, 97, 0, 0), UNIT.pack(20, 97, 0, 3)])
def test_where_the_unit_is_no_unit_the_client_filters(bench: Bench, garbage: bytes) -> None:
    for tag in "abc":
        bench.put(tag)
    with bench.file(0).open("r+b") as file:
        file.seek(20)
        file.write(garbage)
    assert bench.with_tag("a") == [0, 1]
    assert bench.with_tag("d") == [1]
    assert bench.queue.entry(1)[2] == FIRST + 20  # type: ignore[index]


def test_without_its_units_an_address_matches_every_tag(bench: Bench) -> None:
    bench.put("a")
    bench.queue.attach(None)
    assert bench.with_tag("d") == [0]


def test_a_writer_that_puts_none_still_reads_them(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.put("a")
    first.put("b")
    second = Bench(tmp_path, puts_units=False)
    second.queue.load()
    second.queue.recover()
    ext, notes = second.writer.load_ext(second.queue)
    assert (ext.end_behind(FIRST + 20), notes) == (True, [])
    second.writer.log.load()
    second.writer.log.end_at(first.writer.log.end_offset)
    second.put("b")
    assert second.fields == [FIRST, FIRST + 20, 98]
    assert second.with_tag("b") == [1, 2]


def test_a_disk_without_room_costs_the_unit_and_not_the_message(bench: Bench) -> None:
    bench.ext_folder.write_bytes(b"in the way")
    bench.put("a")
    bench.put("b")
    assert bench.fields == [97, 98]
    assert bench.queue.ext is not None
    assert bench.queue.ext.take_refusal() != 0
    assert bench.queue.ext.take_refusal() == 0
    bench.ext_folder.unlink()
    bench.put("c")
    assert bench.fields == [97, 98, FIRST]
    assert [bench.with_tag(tag) for tag in "abc"] == [[0], [1], [2]]


def test_files_before_an_address_are_taken_out_but_the_last(bench: Bench) -> None:
    for _ in range(9):
        bench.put("a")
    ext = bench.queue.ext
    assert ext is not None
    assert ext.detach_before(FIRST + 99) == []
    assert ext.detach_before(FIRST + 100) == [str(bench.file(0))]
    assert ext.detach_before(FIRST + 1000) == [str(bench.file(100))]
    assert ext.unit(FIRST) is None and ext.unit(FIRST + 200) is not None
    bench.put("z")
    assert bench.fields[9] == FIRST + 220


def test_addresses_are_found_over_many_entries_without(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plain = [bench.queue.append(number * 10, 10, 5) for number in range(1000)]
    at = len(plain)
    assert bench.queue.address_from(0) is None and bench.queue.address_before(at) is None
    for address in (FIRST, FIRST + 20):
        bench.queue.append(20_000, 10, address)
    for number in range(1000):
        bench.queue.append(30_000 + number, 10, 5)
    assert bench.queue.address_from(0) == bench.queue.address_from(at) == FIRST
    assert bench.queue.address_from(at + 1) == FIRST + 20 and bench.queue.address_from(at + 2) is None
    assert bench.queue.address_before(bench.queue.max_offset) == (at + 1, FIRST + 20)
    assert bench.queue.address_before(at + 1) == (at, FIRST) and bench.queue.address_before(at) is None


def test_entries_and_units_are_flushed_together(bench: Bench) -> None:
    bench.put("a")
    ext = bench.queue.ext
    assert ext is not None
    assert not bench.queue.flush(least_pages=4)
    assert (ext.files.flushed_offset, bench.queue.files.flushed_offset) == (0, 0)
    assert bench.queue.flush()
    assert (ext.files.flushed_offset, bench.queue.files.flushed_offset) == (20, 20)


def test_addresses_rise_with_the_entries(bench: Bench) -> None:
    for number in range(60):
        bench.put("ab"[number % 2], bytes(number % 7))
    assert all(before < after for before, after in pairwise(bench.fields))
