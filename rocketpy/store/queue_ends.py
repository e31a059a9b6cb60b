"""How far each consume queue had come when it was last on disk: a queue that is lost or short is noticed at start.

A text file of RocketPy's own beside the checkpoint (`queueEnds`; upstream ignores it): the commit log's end, then one
line a queue. Invariant: what it says was on disk when it was written, so a queue that has less lost something.
"""

import logging
import os
import threading
from pathlib import Path

from rocketpy._core.store_writer import StoreWriter
from rocketpy.json_file import sync_folder

log = logging.getLogger("RocketmqStore")

NAME = "queueEnds"
ENTRY_SIZE = 20


class QueueEnds:
    """The file of one store."""

    def __init__(self, root: Path, writer: StoreWriter) -> None:
        self.path = root / NAME
        self._writer = writer
        self._persisted = ""
        self._writing = threading.Lock()

    def _text(self) -> str:
        lines = [str(self._writer.log.flushed_offset)]
        for (topic, queue_id), queue in list(self._writer.queues.items()):
            entries = queue.files.flushed_offset // ENTRY_SIZE
            if entries:
                lines.append(f"{entries} {queue_id} {os.fsdecode(topic)}")
        return "\n".join([*lines, "end", ""])

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

    def lost(self, clean: bool) -> str | None:
        """Why the queues cannot be trusted to be complete, or None."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        except FileNotFoundError:
            return f"{self.path} does not exist"
        except OSError as error:
            return f"{self.path} cannot be read ({error.strerror})"
        try:
            return self._compare(int(lines[0]), lines[1 : lines.index("end")], clean)
        except ValueError:
            return f"{self.path} is garbled"

    def _compare(self, log_end: int, lines: list[str], clean: bool) -> str | None:
        if clean and log_end != self._writer.log.end_offset:
            return f"{self.path} was written when the commit log ended at {log_end}"
        for line in lines:
            end, queue_id, topic = line.split(" ", 2)
            queue = self._writer.queues.get((os.fsencode(topic), int(queue_id)))
            if queue is None or queue.max_offset < int(end):
                return f"queue {queue_id} of {topic} had {end} entries and has {queue.max_offset if queue else 0}"
        return None
