"""The lock of a store folder: one broker at a time, a Java one included.

Java's FileChannel.tryLock is an fcntl lock on byte 0, and so is this one. The system drops such a lock when its process
ends, however it ends, but also when the process closes *any* descriptor of the file: nothing else may open it.
"""

import errno
import fcntl
import logging
import os
import struct
from pathlib import Path

from rocketpy.errors import StartRefused
from rocketpy.json_file import make_folder

log = logging.getLogger("RocketmqStore")

LOCK_TEXT = b"lock"                 # what upstream writes into the file
FLOCK = struct.Struct("@hhqqi")     # struct flock: type, whence, start, len, pid

# fcntl locks do not exclude within one process: the files this process holds, as (device, inode).
_held_here: set[tuple[int, int]] = set()


class StoreLock:
    """Exclusive use of a store folder, from `acquire` to `release`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._fd = -1
        self._inode = (0, 0)

    @property
    def is_held(self) -> bool:
        return self._fd >= 0

    def acquire(self) -> None:
        """Take the lock (the folder is made if there is none); StartRefused when somebody holds it."""
        if held_here(self.path):
            raise StartRefused(self._refusal(os.getpid()))
        fd = self._open()
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        except OSError as error:
            pid = holder(fd)
            os.close(fd)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise StartRefused(self._refusal(pid)) from None
            raise StartRefused(f"{self.path} cannot be locked: {error.strerror}; put it on a local disk") from None
        self._sign(fd)
        self._fd = fd
        self._inode = inode(os.fstat(fd))
        _held_here.add(self._inode)

    def _sign(self, fd: int) -> None:
        try:
            os.pwrite(fd, LOCK_TEXT, 0)
        except OSError as error:  # a full disk: the lock holds without its text
            log.warning("%s: its text is not written (%s)", self.path, error.strerror)

    def release(self) -> None:
        """Let the next one in; the file stays, as upstream leaves it."""
        if self._fd >= 0:
            _held_here.discard(self._inode)
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> int:
        try:
            make_folder(self.path.parent)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StartRefused(
                f"{self.path} cannot be opened: {error.strerror}; make it a file the broker's user can write"
            ) from None

    def _refusal(self, pid: int) -> str:
        who = f"process {pid}" if pid else "another process"
        return (
            f"{self.path} is locked by {who}, a broker that uses this store: stop it (mqshutdown broker), "
            f"or give this one its own storePathRootDir and storePathCommitLog"
        )


def held_here(path: Path) -> bool:
    """Does this process hold the lock? Then nothing may open the file: closing it would let the lock go."""
    return path.exists() and inode(path.stat()) in _held_here


def holder(fd: int) -> int:
    """The pid of the process that holds byte 0, or 0 when it cannot be had (another host or pid namespace)."""
    try:
        return locked_by(fd) or 0
    except OSError:
        return 0


def locked_by(fd: int) -> int | None:
    """The same, and None when no other process holds it."""
    answer = fcntl.fcntl(fd, fcntl.F_GETLK, FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
    kind, _, _, _, pid = FLOCK.unpack(answer)
    return None if kind == fcntl.F_UNLCK else max(pid, 0)


def lock_holder(path: Path) -> int | None:
    """The pid of the broker that holds the store (0: not to be had), None when nobody does; nothing is taken."""
    if held_here(path):         # closing a descriptor of it would let the lock go
        return os.getpid()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return locked_by(fd)
    finally:
        os.close(fd)


def who_holds(path: Path) -> str:
    """Who has a store's lock, as the end of a sentence, empty when nobody has or the system does not say."""
    try:
        pid = lock_holder(path)
    except OSError:
        return ""
    if pid is None:
        return ""
    return f"by process {pid}" if pid else "by another process"


def inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
