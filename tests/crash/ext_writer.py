"""A store with units beside its queues that is written to until it is killed; says on stdout what it has acknowledged.

Run as `python ext_writer.py <folder> <first id> <units: 0 or 1>`. A line is `<id> <queue offset>`.
"""

import asyncio
import itertools
import os
import sys

from rocketpy._core.message import Message
from rocketpy.clock import Clock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore

TOPIC, TAGS = "Crash", "abc"


def open_store(folder: str, units: bool) -> MessageStore:
    """Small files, so that a round crosses many of their ends, flushed often."""
    config = MessageStoreConfig(
        store_path_root_dir=folder, mapped_file_size_commit_log=65536, mapped_file_size_consume_queue=2000,
        enable_consume_queue_ext=units, mapped_file_size_consume_queue_ext=1000, message_index_enable=False,
        flush_interval_consume_queue=5, flush_consume_queue_least_pages=1, flush_consume_queue_thorough_interval=20,
    )  # fmt: skip
    store = MessageStore(config, Clock())
    store.lock()
    store.load()
    return store


async def main(folder: str, first: int, units: bool) -> None:
    store = open_store(folder, units)
    store.start(asyncio.get_running_loop())
    os.write(1, b"ready\n")
    for number in itertools.count(first):
        result = store.put(Message(TOPIC, b"%d" % number, properties={"TAGS": TAGS[number % 3]}))
        assert result.is_ok
        os.write(1, f"{number} {result.queue_offset}\n".encode())
        if number % 20 == 0:
            await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"))
