"""A store that is written to until it is killed; says on stdout what it has acknowledged.

Run as `python writer.py <folder> <flush disk type> <first id>`. A line is `<id> <queue id> <queue offset>`, written
after the covering sync (SYNC_FLUSH) or the append (ASYNC_FLUSH).
"""

import asyncio
import itertools
import os
import random
import sys

from rocketpy._core.message import Message, encode_batch
from rocketpy.clock import Clock
from rocketpy.config import MessageStoreConfig
from rocketpy.config.store import FlushDiskType
from rocketpy.store.message_store import MessageStore

WRITERS = 8
QUEUES = 3


def open_store(folder: str, flush: FlushDiskType = FlushDiskType.SYNC_FLUSH) -> MessageStore:
    """A store of small files, so that a round crosses many of their ends."""
    config = MessageStoreConfig(
        store_path_root_dir=folder,
        mapped_file_size_commit_log=65536,
        mapped_file_size_consume_queue=2000,
        max_hash_slot_num=500,
        max_index_num=2000,
        flush_disk_type=flush,
    )
    store = MessageStore(config, Clock())
    store.lock()
    store.load()
    return store


def message(number: int, chance: random.Random) -> Message:
    body = f"{number} ".encode() + b"x" * chance.choice((0, 10, 100, 1000, 5000))
    properties = {"KEYS": f"k{number}", "TAGS": chance.choice("abc")}
    return Message("Crash", body, queue_id=number % QUEUES, properties=properties)


async def write(store: MessageStore, numbers: "itertools.count[int]", chance: random.Random) -> None:
    while True:
        number = next(numbers)
        if chance.random() < 0.1:
            ids = [number, *itertools.islice(numbers, 4)]
            batch = encode_batch([message(each, chance) for each in ids])
            result = store.put_batch(Message("Crash", batch, queue_id=number % QUEUES))
        else:
            ids = [number]
            result = store.put(message(number, chance))
        status = await store.settle(result)
        assert status.value == "PUT_OK", status
        lines = [f"{each} {number % QUEUES} {result.queue_offset + at}\n" for at, each in enumerate(ids)]
        os.write(1, "".join(lines).encode())
        await asyncio.sleep(0)


async def main(folder: str, flush: str, first: int) -> None:
    store = open_store(folder, FlushDiskType[flush])
    store.start(asyncio.get_running_loop())
    os.write(1, b"ready\n")
    numbers = itertools.count(first)
    await asyncio.gather(*(write(store, numbers, random.Random(first + each)) for each in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
