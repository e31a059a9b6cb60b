"""Stores of small files in a folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore

OpenStore = Callable[..., MessageStore]


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[OpenStore]:
    """open_store(**settings): a started store of `tmp_path`; what is still open is shut down at the end."""
    opened: list[MessageStore] = []

    def open_it(*, start: bool = True, clock: ManualClock | None = None, **settings: Any) -> MessageStore:
        small = {
            "mapped_file_size_commit_log": 4096,
            "mapped_file_size_consume_queue": 400,
            "max_hash_slot_num": 100,
            "max_index_num": 400,
        }
        config = MessageStoreConfig(store_path_root_dir=str(tmp_path / "store"), **{**small, **settings})
        store = MessageStore(config, clock or ManualClock())
        store.lock()
        try:
            store.load()
        except BaseException:
            store.unlock()
            raise
        if start:
            store.start()
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.shutdown()
