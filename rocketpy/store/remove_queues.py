"""Takes whole consume queues out of the store: in the loop out of sight, in a thread off the disk.

A queue's folder leaves `consumequeue` under another name in the turn in which the queue leaves the store, so that the
next put, which makes the queue anew, finds no old file. Invariant: what stands in `consumequeue` is the store's, or no
file of any store: that stays where it is.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rocketpy.json_file import make_folder
from rocketpy.store.flush_queues import files_of
from rocketpy.store.paths import is_folder_name
from rocketpy.store.queue_ext import remove_if_empty

if TYPE_CHECKING:
    from rocketpy._core.consume_queue import ConsumeQueue
    from rocketpy._core.mapped_files import MappedFiles
    from rocketpy._core.store_writer import StoreWriter
    from rocketpy.store.paths import StorePaths
    from rocketpy.store.queue_ends import QueueEnds

log = logging.getLogger("RocketmqStore")

QUEUES_A_TURN = 50
FILE_NAME = re.compile(r"[0-9]{20}")

QueueKey = tuple[bytes, int]
Wanted = Callable[["ConsumeQueue"], bool]


class QueueRemover:
    """Removes consume queues of one store while it serves."""

    def __init__(self, writer: StoreWriter, paths: StorePaths, queue_ends: QueueEnds) -> None:
        self._writer = writer
        self._paths = paths
        self._queue_ends = queue_ends
        self._numbers = itertools.count()
        self._one_at_a_time = asyncio.Lock()

    def clear_left_overs(self) -> None:
        """At a start: what the last process had no time to remove."""
        shutil.rmtree(self._paths.removed_queues, ignore_errors=True)

    async def remove(self, is_wanted: Wanted, before: Callable[[str], None]) -> int:
        """Remove every queue that `is_wanted`; returns how many. OSError when the disk refuses.

        A queue is asked about in the turn in which it goes, for it may have got a message meanwhile; `before` is told
        its topic then.
        """
        count = 0
        async with self._one_at_a_time:
            for keys in _parts(list(self._writer.queues)):
                going = [key for key in keys if key in self._writer.queues and is_wanted(self._writer.queues[key])]
                await self._remove(going, before)
                count += len(going)
            if count:
                self._paths.removed_queues.rmdir()
                await asyncio.to_thread(self._queue_ends.persist)
        return count

    async def _remove(self, keys: list[QueueKey], before: Callable[[str], None]) -> None:
        if not keys:
            await asyncio.sleep(0)
            return
        topics = {os.fsdecode(topic) for topic, _ in keys}
        for topic in topics:
            before(topic)
        folders = self._take_out(keys)
        for topic in filter(is_folder_name, topics):  # not in the thread: a put may be making this very folder
            remove_if_empty(self._paths.consume_queue / topic)
            remove_if_empty(self._paths.consume_queue_ext / topic)
        await asyncio.to_thread(_unlink, folders)

    def _take_out(self, keys: list[QueueKey]) -> list[Path]:
        """Out of the store, in this turn; the folders to remove."""
        make_folder(self._paths.removed_queues)
        folders: list[Path] = []
        for topic, queue_id in keys:
            queue = self._writer.take_queue(topic, queue_id)
            log.info("consume queue %s %d is removed", os.fsdecode(topic), queue_id)
            for files in files_of(queue):
                moved = self._paths.removed_queues / str(next(self._numbers))
                if _moved(files, moved):
                    folders.append(moved)
        return folders


def _moved(files: MappedFiles, to: Path) -> bool:
    """Whether the folder of these files, which are closed, stands there now; False: none of them is left."""
    if _has_strangers(files.folder):
        files.destroy()
        return False
    try:
        Path(files.folder).rename(to)
    except FileNotFoundError:  # never put to
        files.close()
        return False
    except OSError:  # it is on another disk: then here and now
        files.destroy()
        return False
    files.close()
    return True


def _has_strangers(folder: str) -> bool:
    """Whether something there is no file of a sequence, such as an operator's notes."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return any(not FILE_NAME.fullmatch(entry.name) for entry in entries)
    return False


def _unlink(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)


def _parts(keys: list[QueueKey]) -> Iterator[list[QueueKey]]:
    for at in range(0, len(keys), QUEUES_A_TURN):
        yield keys[at : at + QUEUES_A_TURN]
