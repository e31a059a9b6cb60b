"""Stores of tiny files with messages of every kind, and what damages them."""

from pathlib import Path

from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore

LOG_FILE = 4096
QUEUE_FILE = 400
SLOTS = 50
CAPACITY = 100
MESSAGES = 130


def settings(root: Path) -> MessageStoreConfig:
    return MessageStoreConfig(
        store_path_root_dir=str(root),
        mapped_file_size_commit_log=LOG_FILE,
        mapped_file_size_consume_queue=QUEUE_FILE,
        max_hash_slot_num=SLOTS,
        max_index_num=CAPACITY,
    )


def opened(root: Path, clock: ManualClock | None = None) -> MessageStore:
    store = MessageStore(settings(root), clock or ManualClock())
    store.lock()
    store.load()
    store.start()
    return store


def message(number: int) -> Message:
    properties = {"UNIQ_KEY": f"u{number}", "KEYS": f"k{number} all", "TAGS": f"t{number % 3}"}
    if number % 10 == 9:
        properties["DELAY"] = "3"
    kind = (0, 4, 8, 12)[number % 4] if number % 5 == 0 else 0
    return Message(
        f"Topic{number % 2}", b"%d" % number * (number % 40 + 1), queue_id=number % 3, properties=properties, sys_flag=kind
    )


def fill(root: Path, count: int = MESSAGES) -> None:
    clock = ManualClock()
    store = opened(root, clock)
    for number in range(count):
        assert store.put(message(number)).is_ok
        clock.advance(700)
    store.shutdown()


def flip(path: Path, offset: int, mask: int = 0x40) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ mask]))


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def first_queue(root: Path) -> Path:
    return root / "consumequeue" / "Topic0" / "0" / f"{0:020d}"
