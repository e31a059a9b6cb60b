"""How far each consume queue had come when it was last on disk: a queue that is lost or short is noticed at start.

A text file of RocketPy's own beside the checkpoint (`queueEnds`; upstream ignores it): the commit log's end, then one
line a queue, and one for the index.
Invariant: what it says was on disk when it was written, so a queue that has less lost something.
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rocketpy._core.store_writer import StoreWriter
from rocketpy.json_file import sync_folder

log = logging.getLogger("RocketmqStore")

NAME = "queueEnds"
ENTRY_SIZE = 20
INDEX = "index "


def no_index() -> int:
    return 0


class QueueEnds:
    """The file of one store."""

    def __init__(self, root: Path, writer: StoreWriter) -> None:
        self.path = root / NAME
        self.indexed_to: Callable[[], int] = no_index       # what IndexFolder.indexed_to says
        self._writer = writer
        self._persisted = ""
        self._writing = threading.Lock()
        self._found: Ends | None = None  # what `load` has read
        self._fault = ""  # why it has read nothing

    def _text(self) -> str:
        lines = [str(self._writer.log.flushed_offset)]
        for (topic, queue_id), queue in list(self._writer.queues.items()):
            entries = queue.files.flushed_offset // ENTRY_SIZE
            if entries:
                first = queue.files.first_offset // ENTRY_SIZE
                lines.append(f"{first}-{entries} {queue_id} {os.fsdecode(topic)}")
        return "\n".join([*lines, f"{INDEX}{self.indexed_to()}", "end", ""])

    def persist(self) -> None:
        """Replace the file; any thread."""
        with self._writing:
            text = self._text()
            if text != self._persisted:
                self._replace(text)

    def _replace(self, text: str) -> None:
        temporary = self.path.with_name(NAME + ".tmp")
        with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        sync_folder(self.path.parent)  # the checkpoint, written next, must not be younger than these ends
        self._persisted = text

    def load(self) -> None:
        """Read what the last process wrote; that it cannot be read is told by `lost`."""
        try:
            self._found = read_ends(self.path)
        except FileNotFoundError:
            self._fault = f"{self.path} does not exist"
        except OSError as error:
            self._fault = f"{self.path} cannot be read ({error.strerror})"
        except ValueError:
            self._fault = f"{self.path} is garbled"

    def index_end(self) -> int | None:
        """What `indexed_to` was at the last clean stop; None when that is not known."""
        ends = self._found
        return ends.index_end if ends is not None and ends.log == self._writer.log.end_offset else None

    def log_end(self) -> int:
        """How far the commit log was on disk when the file was written; 0 when that is not known."""
        return self._found.log if self._found is not None else 0

    def lost(self, clean: bool) -> str | None:
        """Why the queues cannot be trusted to be complete, or None."""
        ends = self._found
        if ends is None:
            return self._fault
        if clean and ends.log != self._writer.log.end_offset:
            return f"{self.path} was written when the commit log ended at {ends.log}"
        for topic, queue_id, first, end in ends.queues:
            queue = self._writer.queues.get((os.fsencode(topic), queue_id))
            if queue is None or queue.max_offset < end:
                return f"queue {queue_id} of {topic} had {end} entries and has {queue.max_offset if queue else 0}"
            begin = queue.files.first_offset // ENTRY_SIZE
            if begin > first:
                return f"queue {queue_id} of {topic} began at {first} and begins at {begin}"
        return None


class Ends(NamedTuple):
    """What the file says."""

    log: int                                # where the commit log ended
    queues: list[tuple[str, int, int, int]]  # topic, queue id, index of the first entry and of the next one
    index_end: int | None                   # how far the index went


def read_ends(path: Path) -> Ends:
    """The file's content; OSError: it cannot be read, ValueError: it is garbled."""
    first, *lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    queues: list[tuple[str, int, int, int]] = []
    index_end = None
    for line in lines[: lines.index("end")]:
        if line.startswith(INDEX):
            index_end = int(line.removeprefix(INDEX))
        else:
            entries, queue_id, topic = line.split(" ", 2)
            begin, end = entries.split("-")
            queues.append((topic, int(queue_id), int(begin), int(end)))
    return Ends(int(first), queues, index_end)
