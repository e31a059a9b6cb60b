"""Why the store may not be read or written now: upstream's bits, each set and cleared by the part that knows."""

from enum import IntFlag

from rocketpy._core.store_writer import StoreWriter


class Running(IntFlag):
    """RunningFlags of upstream, bit for bit."""

    NOT_READABLE = 1
    NOT_WRITEABLE = 2
    LOGICS_QUEUE_ERROR = 4
    INDEX_FILE_ERROR = 8
    DISK_FULL = 16


UNWRITEABLE = Running.NOT_WRITEABLE | Running.LOGICS_QUEUE_ERROR | Running.INDEX_FILE_ERROR | Running.DISK_FULL


class RunningFlags:
    """The bits, kept in step with what the hot path reads."""

    def __init__(self) -> None:
        self.bits = Running(0)
        self._writer: StoreWriter | None = None
        self._open = False

    def attach(self, writer: StoreWriter) -> None:
        """From now on the writer follows the bits."""
        self._writer = writer
        self._follow()

    def open(self, is_open: bool) -> None:
        """Start and shutdown: a store that is not open refuses puts whatever the bits."""
        self._open = is_open
        self._follow()

    def set(self, reason: Running) -> bool:
        """Set a bit; was it clear?"""
        was_clear = not self.bits & reason
        self.bits |= reason
        self._follow()
        return was_clear

    def clear(self, reason: Running) -> bool:
        """Clear a bit; was it set?"""
        was_set = bool(self.bits & reason)
        self.bits &= ~reason
        self._follow()
        return was_set

    @property
    def is_readable(self) -> bool:
        return not self.bits & Running.NOT_READABLE

    @property
    def is_writeable(self) -> bool:
        return not self.bits & UNWRITEABLE

    def _follow(self) -> None:
        if self._writer is not None:
            self._writer.writeable = self._open and self.is_writeable
            self._writer.readable = self.is_readable
