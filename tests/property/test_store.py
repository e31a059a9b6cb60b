"""A store of tiny files behaves as a list of messages a queue, whatever is put and however often it is opened again."""

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.log_walk import LogWalk
from rocketpy._core.message import Message, decode_messages, encode_batch
from rocketpy._core.store_reader import store_time
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.queue_ext import take_expired
from rocketpy.store.results import GetMessageStatus

TOPICS = st.sampled_from(["A", "Topic", "%RETRY%group"])
QUEUE_IDS = st.integers(0, 2)
BODIES = st.binary(max_size=600)
TAGS = st.sampled_from(["", "a", "b"])
BATCHES = st.lists(st.tuples(st.binary(max_size=60), TAGS), min_size=1, max_size=5)
Key = tuple[str, int]


class StoreMachine(RuleBasedStateMachine):
    """`model` is what must be there: bodies and tags of each queue; the first `gone` of them were cleaned away."""

    @initialize(
        log_size=st.sampled_from([1024, 2048, 5000]),
        queue_size=st.sampled_from([20, 60, 400]),
        ext_size=st.sampled_from([24, 65, 404]),
        puts_units=st.booleans(),
    )
    def make(self, log_size: int, queue_size: int, ext_size: int, puts_units: bool) -> None:
        self.folder = tempfile.mkdtemp(prefix="rocketpy-store-")
        self.sizes = {
            "mapped_file_size_commit_log": log_size,
            "mapped_file_size_consume_queue": queue_size,
            "mapped_file_size_consume_queue_ext": ext_size,
        }
        self.puts_units = puts_units
        self.model: dict[Key, list[tuple[bytes, str]]] = defaultdict(list)
        self.clock = ManualClock()
        self.open()

    def open(self) -> None:
        config = MessageStoreConfig(
            store_path_root_dir=self.folder, max_hash_slot_num=50, max_index_num=100,
            enable_consume_queue_ext=self.puts_units, **self.sizes,
        )  # fmt: skip
        self.store = MessageStore(config, self.clock)
        self.store.lock()
        self.store.load()
        self.store.start()

    def stop(self) -> None:
        self.store.shutdown()

    @rule(topic=TOPICS, queue_id=QUEUE_IDS, body=BODIES, tag=TAGS)
    def put(self, topic: str, queue_id: int, body: bytes, tag: str) -> None:
        result = self.store.put(Message(topic, body, queue_id=queue_id, properties=properties(tag)))
        assert result.is_ok
        assert result.queue_offset == len(self.model[topic, queue_id])
        self.model[topic, queue_id].append((body, tag))
        self.clock.advance(1)

    @rule(topic=TOPICS, queue_id=QUEUE_IDS, items=BATCHES)
    def put_batch(self, topic: str, queue_id: int, items: list[tuple[bytes, str]]) -> None:
        batch = encode_batch([Message(topic, body, properties=properties(tag)) for body, tag in items])
        result = self.store.put_batch(Message(topic, batch, queue_id=queue_id))
        if result.is_ok:
            assert result.queue_offset == len(self.model[topic, queue_id])
            self.model[topic, queue_id] += items

    @rule(count=st.integers(1, 60), size=st.integers(0, 300))
    def put_many(self, count: int, size: int) -> None:
        for number in range(count):
            self.put("A", number % 2, bytes(size), "a")

    @rule()
    def restart(self) -> None:
        self.stop()
        self.open()

    @rule()
    def crash(self) -> None:
        """As after a kill: `abort` is there, and the checkpoint is older than the rest."""
        self.stop()
        self.store.paths.abort.touch()
        self.open()

    @rule()
    def lose_queues(self) -> None:
        self.stop()
        shutil.rmtree(self.store.paths.consume_queue, ignore_errors=True)
        self.open()
        for key in list(self.model):
            if self.store.max_offset(*key) == 0:            # all its messages were cleaned away: it begins anew
                del self.model[key]

    @rule(clean_stop=st.booleans())
    def switch_units(self, clean_stop: bool) -> None:
        """enableConsumeQueueExt is set to the other value."""
        self.puts_units = not self.puts_units
        (self.restart if clean_stop else self.crash)()

    @rule(clean_stop=st.booleans(), which=st.integers(0, 1000))
    def lose_a_file_of_units(self, clean_stop: bool, which: int) -> None:
        self.stop()
        files = sorted(path for path in self.store.paths.consume_queue_ext.rglob("*") if path.is_file())
        if files:
            files[which % len(files)].unlink()
        if not clean_stop:
            self.store.paths.abort.touch()
        self.open()

    @rule(clean_stop=st.booleans())
    def lose_all_units(self, clean_stop: bool) -> None:
        self.stop()
        shutil.rmtree(self.store.paths.consume_queue_ext, ignore_errors=True)
        if not clean_stop:
            self.store.paths.abort.touch()
        self.open()

    @rule(which=st.integers(0, 1000), at=st.integers(0, 1000), garbage=st.binary(min_size=1, max_size=60))
    def garble_units(self, which: int, at: int, garbage: bytes) -> None:
        """Somewhere in a file; after a crash that made no checkpoint everything is compared with the log."""
        self.stop()
        files = sorted(path for path in self.store.paths.consume_queue_ext.rglob("*") if path.is_file())
        if files:
            path = files[which % len(files)]
            data = path.read_bytes()
            at %= len(data)
            path.write_bytes((data[:at] + garbage + data[at + len(garbage) :])[: len(data)])
        self.store.paths.checkpoint.unlink()
        self.store.paths.abort.touch()
        self.open()

    @rule(data=st.sampled_from([bytes(20), b"\xff" * 20, b"\x00\x01" * 10]), at=st.floats(0, 1), killed=st.booleans())
    def damage_a_queue_entry(self, data: bytes, at: float, killed: bool) -> None:
        """An entry of one queue, in the middle or at the end, is zeros or garbage at the next start."""
        self.stop()
        if killed:
            self.store.paths.abort.touch()
        files = sorted(self.store.paths.consume_queue.glob("*/*/0*"))
        if files:
            path = files[int(at * (len(files) - 1))]
            used = len(path.read_bytes().rstrip(b"\0")) // 20
            with path.open("r+b") as file:
                file.seek(int(at * max(0, used - 1)) * 20)
                file.write(data)
        self.open()

    @rule(at=st.floats(0, 1), cut=st.integers(0, 100))
    def damage_an_index_file(self, at: float, cut: int) -> None:
        """An index file is gone, or has lost its end."""
        self.stop()
        files = sorted(self.store.paths.index.glob("*"))
        if files:
            path = files[int(at * (len(files) - 1))]
            path.write_bytes(path.read_bytes()[:cut])
        self.open()

    @precondition(lambda self: self.store.writer.log.tail > 1)
    @rule()
    def clean(self) -> None:
        self.store.writer.log.delete_first()
        self.store.correct_min_offsets()
        for queue in self.store.writer.queues.values():
            for path in take_expired(queue):
                Path(path).unlink()

    @invariant()
    def queues_hold_what_was_put(self) -> None:
        for (topic, queue_id), messages in self.model.items():
            least = self.store.min_offset(topic, queue_id)
            assert self.store.max_offset(topic, queue_id) == len(messages)
            assert self.read(topic, queue_id, least, None) == messages[least:]
            wanted = [each for each in messages[least:] if each[1] == "b"]
            assert self.read(topic, queue_id, least, frozenset({java_hash_of("b")})) == wanted

    def read(self, topic: str, queue_id: int, offset: int, tags: frozenset[int] | None) -> list[tuple[bytes, str]]:
        got: list[Message] = []
        while True:
            found = self.store.get(topic, queue_id, offset, 7, tags)
            if found.status in (GetMessageStatus.OFFSET_OVERFLOW_ONE, GetMessageStatus.NO_MESSAGE_IN_QUEUE):
                return [(each.body, each.get_property("TAGS") or "") for each in got]
            assert found.status in (GetMessageStatus.FOUND, GetMessageStatus.NO_MATCHED_MESSAGE)
            assert found.next_begin_offset > offset
            got += decode_messages(found.body)
            offset = found.next_begin_offset

    @invariant()
    def addresses_rise_and_lead_to_units(self) -> None:
        """Every unit is its message's, also those beside entries that get no new ones."""
        for queue in self.store.writer.queues.values():
            entries = filter(None, map(queue.stored_entry, range(queue.min_offset, queue.max_offset)))
            with_units = [entry for entry in entries if is_address(entry[2])]
            addresses = [entry[2] for entry in with_units]
            assert addresses == sorted(set(addresses))
            assert not addresses or queue.ext is not None
            for entry in with_units:
                assert queue.ext is not None
                unit = queue.ext.unit(entry[2])
                assert unit is not None and unit[1] == store_time(self.store.writer, entry[0])

    @invariant()
    def the_log_is_whole(self) -> None:
        log = self.store.writer.log
        walk = LogWalk(self.store.writer, log.first_offset, dispatch=False, check_crc=True)
        assert walk.run(1 << 40) == "END"
        assert walk.at == log.end_offset or not log.file_starts

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.stop()
            shutil.rmtree(Path(self.folder))


def properties(tag: str) -> dict[str, str]:
    return {"TAGS": tag, "KEYS": "k"} if tag else {}


StoreMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, suppress_health_check=list(HealthCheck)
)
test_a_store_is_a_list_a_queue = StoreMachine.TestCase
