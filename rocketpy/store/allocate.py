"""Makes room for the commit log ahead of its writer: blocks, pages, and the next file.

One thread, woken when the log's end passes a mark. The writer never depends on it: where it catches up it allocates a
small step itself, so this thread is only there for speed.
"""

import logging
import os
import threading

from rocketpy._core.store_writer import StoreWriter

log = logging.getLogger("RocketmqStore")

FIRST_BYTES = 16 << 20
AHEAD_BYTES = 64 << 20
PAGES_AHEAD_BYTES = 8 << 20
WAKE_EVERY_BYTES = 4 << 20


class Allocator:
    """The helper thread of one commit log."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._complained = False
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC)

    def start(self) -> None:
        """Start the thread; it makes the first room at once."""
        self._thread = threading.Thread(target=self._run, name="AllocateMappedFile", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        if self._thread is not None:
            os.eventfd_write(self.event_fd, 1)
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Give the descriptor back; nothing may signal it any more."""
        if self.event_fd >= 0:
            os.close(self.event_fd)
            self.event_fd = -1

    def _run(self) -> None:
        ahead = FIRST_BYTES
        while not self._stopping:
            try:
                self._make_room(ahead)
                if self._is_behind():  # the writer began a file of its own meanwhile
                    continue
            except OSError as error:
                self._complain(error)
            self._writer.wake_helper_at(self._writer.log.end_offset + WAKE_EVERY_BYTES)
            os.eventfd_read(self.event_fd)
            ahead = AHEAD_BYTES

    def _make_room(self, ahead: int) -> None:
        files = self._writer.log
        if files.allocated_offset - files.end_offset < ahead // 2 or ahead == FIRST_BYTES:
            error = files.allocate_ahead(ahead, PAGES_AHEAD_BYTES)
        else:
            error = files.allocate_ahead(0, PAGES_AHEAD_BYTES)
        if error:
            raise OSError(error, os.strerror(error), files.folder)
        self._complained = False
        if files.tail < 0 or files.rest < ahead:
            files.make_spare(ahead)

    def _is_behind(self) -> bool:
        files = self._writer.log
        room = files.allocated_offset - files.end_offset
        return files.tail >= 0 and room < min(WAKE_EVERY_BYTES, files.rest)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            log.warning("%s: no room ahead of the commit log (%s)", error.filename, error.strerror)
        self._complained = True
