"""The checkpoint: up to which store time log, queues and index are surely on disk.

4096 bytes, three big-endian i64 and zeros. Recovery after a crash starts from it, so a wrong value must only ever be
too old: whatever cannot be a time is read as 0, which means "from the beginning".
"""

import logging
import os
import struct
from pathlib import Path

from rocketpy.clock import Clock

log = logging.getLogger("RocketmqStore")

FILE_SIZE = 4096
LAYOUT = struct.Struct(">qqq")
SAFETY_MS = 3000                        # upstream goes back that much further
FUTURE_MS = 24 * 3600 * 1000            # a store time further ahead than a day is damage, not a clock that was set back


class Checkpoint:
    """The three times of one store; `load` at start, `persist` after a flush of everything."""

    def __init__(self, path: str | Path, clock: Clock) -> None:
        self.path = Path(path)
        self._clock = clock
        self.physic_msg_timestamp = 0   # commit log
        self.logics_msg_timestamp = 0   # consume queues
        self.index_msg_timestamp = 0    # closed index files
        self.is_known = False           # whether `load` found the times
        self.is_whole = False           # and a file of the right length; else it should be written anew

    @property
    def min_timestamp(self) -> int:
        """Log and queues are complete up to this store time."""
        return max(0, min(self.physic_msg_timestamp, self.logics_msg_timestamp) - SAFETY_MS)

    @property
    def min_timestamp_index(self) -> int:
        """The same with the index (messageIndexSafe)."""
        return min(self.min_timestamp, self.index_msg_timestamp)

    def load(self) -> None:
        """Read the file; a missing or damaged one is zeros and a line in the log."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            log.info("store checkpoint file %s does not exist", self.path)
            return
        except OSError as error:
            log.error("store checkpoint file %s cannot be read (%s): everything is recovered", self.path, error)
            return
        if len(data) < LAYOUT.size:
            log.error("store checkpoint file %s has %d bytes: everything is recovered", self.path, len(data))
            return
        if any(data[LAYOUT.size :]):
            log.error("store checkpoint file %s is garbled behind its times: everything is recovered", self.path)
            return
        self._take(*LAYOUT.unpack_from(data))
        self.is_whole = self.is_known and len(data) == FILE_SIZE

    def persist(self) -> None:
        """Write the file and wait until it is on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        times = (self.physic_msg_timestamp, self.logics_msg_timestamp, self.index_msg_timestamp)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # The times are within one sector: a crash leaves the old ones or the new.
            os.pwrite(fd, LAYOUT.pack(*times).ljust(FILE_SIZE, b"\0"), 0)
            if os.fstat(fd).st_size != FILE_SIZE:
                os.ftruncate(fd, FILE_SIZE)
            os.fsync(fd)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        finally:
            os.close(fd)

    def _take(self, physic: int, logics: int, index: int) -> None:
        latest = self._clock.now_ms() + FUTURE_MS
        if not all(0 <= time <= latest for time in (physic, logics, index)):
            log.error(
                "store checkpoint file %s is garbled (physic %d, logics %d, index %d): everything is recovered",
                self.path, physic, logics, index,
            )
            return
        self.physic_msg_timestamp, self.logics_msg_timestamp, self.index_msg_timestamp = physic, logics, index
        self.is_known = True
        log.info("store checkpoint: physic %d, logics %d, index %d", physic, logics, index)
