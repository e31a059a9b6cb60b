"""Fuzz targets: files of a store, which disks damage."""

from __future__ import annotations

from pathlib import Path

from rocketpy._core.consume_queue_ext import ConsumeQueueExt
from rocketpy._core.index_file import IndexFile, IndexWriter
from rocketpy._core.log_walk import LogWalk, find_record, first_record_time
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import decode_message
from rocketpy._core.store_writer import StoreWriter
from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.broker.consumer_offsets import ConsumerOffsets
from rocketpy.broker.subscription_groups import SubscriptionGroups
from rocketpy.broker.topics import Topics
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig
from rocketpy.errors import CorruptMessage, StartRefused, StoreError
from rocketpy.namesrv.kv_config import KVConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.schedule import DelayLevels, Schedule
from tests.fuzz.messages import RECORD
from tests.fuzz.scratch import folder, scratch
from tests.fuzz.targets import target

GOLDEN = Path(__file__).parents[1] / "golden" / "data" / "store"
LOG_SIZE = 4096
SLOTS, CAPACITY = 4, 8
INDEX_SIZE = 40 + SLOTS * 4 + CAPACITY * 20
UNITS_SIZE = 200


class DelayStore:
    """As much of a store as reading and writing the file needs."""

    def sync_log(self) -> None: ...


def seed(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


FILTERS = seed("config/consumerFilter_registered.json")


@target("topics_json", StartRefused, seeds=[seed("config/topics.json")])
def topics_json(data: bytes) -> object:
    topics = Topics(BrokerConfig(), scratch("topics.json", data), ManualClock())
    topics.load()
    return topics.encode()


@target("groups_json", StartRefused, seeds=[seed("config/subscriptionGroup.json")])
def groups_json(data: bytes) -> object:
    groups = SubscriptionGroups(BrokerConfig(), scratch("subscriptionGroup.json", data), ManualClock())
    groups.load()
    return groups.wrapper().encode()


@target("offsets_json", StartRefused, seeds=[seed("config/consumerOffset.json")])
def offsets_json(data: bytes) -> object:
    offsets = ConsumerOffsets(scratch("consumerOffset.json", data))
    offsets.load()
    return offsets.table


@target("kv_json", StartRefused, seeds=[seed("config/namesrv_kvConfig.json")])
def kv_json(data: bytes) -> object:
    kv = KVConfig(scratch("kvConfig.json", data))
    kv.load()
    return kv.get("ORDER_TOPIC_CONFIG", "T")


@target("delay_offsets_json", StartRefused, seeds=[seed("config/delayOffset.json")])
def delay_offsets_json(data: bytes) -> object:
    """What is read can be written again; progress outside its queue is set right when the level is looked at."""
    schedule = Schedule(DelayStore(), DelayLevels("1s 5s"), scratch("delayOffset.json", data), ManualClock(), 1000)
    schedule.load()
    schedule.offsets[1] = schedule.offsets.get(1, 0) + 1
    schedule.persist()
    return schedule.offsets


@target("consumer_filter_json", StartRefused, seeds=[FILTERS, seed("config/consumerFilter.json")])
def consumer_filter_json(data: bytes) -> object:
    path = scratch("consumerFilter.json", data)
    filters = ConsumerFilters(BrokerConfig(), path, ManualClock())
    filters.load(was_clean=True)
    filters.persist_changes()
    assert path.exists()
    return filters


@target("checkpoint", seeds=[seed("checkpoint")[:64]])
def checkpoint(data: bytes) -> object:
    found = Checkpoint(scratch("checkpoint", data), ManualClock())
    found.load()
    assert found.min_timestamp >= 0
    return found


@target("commit_log", seeds=[RECORD * 3, seed("commitlog_first8110.bin")[: LOG_SIZE - 100]])
def commit_log(data: bytes) -> object:
    """A walk as recovery does it: it comes to an end, and a record that it found can be decoded."""
    scratch(f"commitlog/{0:020d}", data[:LOG_SIZE].ljust(LOG_SIZE, b"\0"))
    log = MappedFiles(str(folder() / "commitlog"), LOG_SIZE)
    log.load()
    writer = StoreWriter(log, 1 << 20, str(folder() / "consumequeue"), 2000)
    try:
        return walk(writer)
    finally:
        log.close()


def walk(writer: StoreWriter) -> int:
    walk = LogWalk(writer, 0, dispatch=False, check_crc=False)
    for _ in range(LOG_SIZE):
        if walk.run(LOG_SIZE) != "MORE":
            break
    else:
        raise AssertionError("a walk without end")
    assert 0 <= walk.at <= LOG_SIZE
    first_record_time(writer, 0)
    if (found := find_record(writer, 1, LOG_SIZE)) is not None:
        assert 1 <= found[0] < LOG_SIZE
    return walk.records


def small_index() -> bytes:
    path = scratch("made", b"")
    path.unlink()
    file = IndexFile(str(path), SLOTS, CAPACITY, create=True)
    writer = IndexWriter(lambda: file, file)
    for number, key in enumerate(("k", "other", "k")):
        writer.put("T", None, key, 100 * number, 1_574_000_000_000 + 1000 * number)
    file.flush()
    return path.read_bytes()


@target("index_file", StoreError, seeds=[small_index()])
def index_file(data: bytes) -> object:
    """What is reachable lies within the file, whatever stands there, and chains come to an end."""
    path = scratch("index", data[:INDEX_SIZE].ljust(INDEX_SIZE, b"\0"))
    file = IndexFile(str(path), SLOTS, CAPACITY)
    found = file.select("T", "k", 100, 0, 1 << 62)
    assert len(found) <= CAPACITY
    file.is_garbled()
    file.check_chains()
    sound = file.sound_entries(1 << 40)
    assert 0 <= sound <= CAPACITY
    file.cut(min(sound, file.count))
    assert file.check_chains() == 0
    return found


@target("queue_ext", seeds=[seed("cqext_first122.bin")])
def queue_ext(data: bytes) -> object:
    """Every place is a unit within the file or none."""
    scratch(f"ext/{0:020d}", data[:UNITS_SIZE].ljust(UNITS_SIZE, b"\0"))
    units = ConsumeQueueExt(str(folder() / "ext"), UNITS_SIZE, False)
    units.load()
    first = -(1 << 63)
    found = [units.unit(first + at) for at in range(UNITS_SIZE + 8)]
    units.end_behind(first)
    return found


@target("stored_message", CorruptMessage, seeds=[seed("message_record.bin")])
def stored_message(data: bytes) -> object:
    return decode_message(data)
