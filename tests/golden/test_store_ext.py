"""Units and the entries that lead to them have the bytes RocketMQ 4.5.2 writes with enableConsumeQueueExt."""

import struct
from pathlib import Path

import pytest

from rocketpy._core import store_reader
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import decode_messages
from rocketpy._core.store_writer import StoreWriter

SAMPLES = Path(__file__).parent / "data" / "store"
UNITS = (SAMPLES / "cqext_first122.bin").read_bytes()
ENTRIES = (SAMPLES / "cq_with_ext_first80.bin").read_bytes()
FIRST_ADDRESS = -(1 << 63)
HOST = b"\x7f\0\0\1\0\0\x2a\x9f"
# What upstream's sample was written from: (address, tags, store time, bitmap, size of the record)
MESSAGES = [
    (0, "", 0x1A2045512C4, b"", 111),
    (20, "T", 0x1A204551803, bytes.fromhex("0880000000000000000000000020"), 116),
    (54, "T", 0x1A204551807, bytes(14), 116),
    (88, "T", 0x1A20455180B, bytes(14), 117),
]


def writer_in(folder: Path, ext_file_size: int = 48 << 20) -> StoreWriter:
    writer = StoreWriter(MappedFiles(str(folder / "commitlog"), 1 << 20), 4 << 20, str(folder / "cq"), 6_000_000)
    writer.use_ext(str(folder / "ext"), ext_file_size, True)
    return writer


def put_all(writer: StoreWriter) -> None:
    for _, tags, store_time, bitmap, size in MESSAGES:
        properties = f"TAGS\x01{tags}\x02".encode() if tags else b""
        body = bytes(size - 91 - len("TopicTest") - len(properties))
        status, _, stored, _ = writer.put(
            b"TopicTest", 0, body, properties, store_timestamp=store_time, born_timestamp=0, born_host=HOST,
            store_host=HOST, filter_bitmap=bitmap,
        )  # fmt: skip
        assert (status, stored) == (0, size)


def test_the_same_messages_give_the_same_bytes(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    put_all(writer)
    ext_file = tmp_path / "ext" / "TopicTest" / "0" / f"{0:020d}"
    assert ext_file.stat().st_size == 48 << 20
    assert ext_file.read_bytes()[: len(UNITS) + 100] == UNITS + bytes(100)
    assert (tmp_path / "cq" / "TopicTest" / "0" / f"{0:020d}").read_bytes()[:100] == ENTRIES + bytes(20)


@pytest.fixture
def upstreams(tmp_path: Path) -> StoreWriter:
    """A writer whose queue and units are the samples."""
    writer = writer_in(tmp_path)
    put_all(writer_in(tmp_path / "messages"))
    (tmp_path / "messages" / "commitlog").rename(tmp_path / "commitlog")
    for folder, data, size in (("cq", ENTRIES, 6_000_000), ("ext", UNITS, 48 << 20)):
        path = tmp_path / folder / "TopicTest" / "0" / f"{0:020d}"
        path.parent.mkdir(parents=True)
        path.write_bytes(data.ljust(size, b"\0"))
    writer.log.load()
    writer.log.end_at(sum(message[4] for message in MESSAGES))
    queue = writer.queue(b"TopicTest", 0)
    queue.load()
    queue.recover()
    writer.load_ext(queue)
    return writer


def test_upstreams_units_are_read(upstreams: StoreWriter) -> None:
    queue = upstreams.queue(b"TopicTest", 0)
    assert [struct.unpack_from(">q", ENTRIES, at + 12)[0] for at in range(0, 80, 20)] == [
        FIRST_ADDRESS + at for at, *_ in MESSAGES
    ]
    assert queue.ext is not None
    for index, (address, tags, store_time, bitmap, _) in enumerate(MESSAGES):
        code = 84 if tags else 0
        assert queue.ext.unit(FIRST_ADDRESS + address) == (code, store_time, bitmap)
        assert queue.entry(index)[2] == code  # type: ignore[index]
    found = store_reader.get(upstreams, queue, 0, 32, {84})
    assert [message.queue_offset for message in decode_messages(found[1])] == [1, 2, 3]


def test_units_go_on_behind_upstreams(upstreams: StoreWriter) -> None:
    queue = upstreams.queue(b"TopicTest", 0)
    assert queue.ext is not None and queue.ext.end_behind(FIRST_ADDRESS + 88)
    put_all(upstreams)
    path = Path(queue.ext.files.folder) / f"{0:020d}"
    assert path.read_bytes()[: 2 * len(UNITS)] == UNITS + UNITS
