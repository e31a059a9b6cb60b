"""Routes log lines to upstream's files under ~/logs/rocketmqlogs/, rotated by size into otherdays/*.gz.

A line is one fact: line breaks inside a message are written as `\\n`. A rotated file is compressed in a thread, so the
loop never waits for it. Nothing on the way of a message logs.
"""

import gzip
import logging
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rocketpy.config.environment import Environment
from rocketpy.errors import StartRefused

FORMAT = "%(asctime)s %(level)s %(threadName)s - %(message)s"
MB = 1 << 20


@dataclass(frozen=True)
class LogFile:
    """One file and the loggers that write to it; "" is the root logger."""

    name: str
    loggers: Sequence[str]
    size: int = 100 * MB
    kept: int = 10


BROKER_FILES = (
    LogFile("broker.log", ("RocketmqBroker", "RocketmqCommon"), 128 * MB, 20),
    LogFile("broker_default.log", ("",)),
    LogFile("store.log", ("RocketmqStore",), 128 * MB),
    LogFile("storeerror.log", ("RocketmqStoreError",)),
    LogFile("remoting.log", ("RocketmqRemoting",)),
    LogFile("watermark.log", ("RocketmqWaterMark",)),
    LogFile("transaction.log", ("RocketmqTransaction",)),
    LogFile("stats.log", ("RocketmqStats",), kept=5),
    LogFile("filter.log", ("RocketmqFilter",)),
    LogFile("lock.log", ("RocketmqRebalanceLock",), kept=5),
    LogFile("protection.log", ("RocketmqProtection",)),
    LogFile("commercial.log", ("RocketmqCommercial",), 500 * MB),
)
NAMESRV_FILES = (
    LogFile("namesrv.log", ("RocketmqNamesrv", "RocketmqCommon", "RocketmqRemoting"), kept=5),
    LogFile("namesrv_default.log", ("",), kept=5),
)
QUICKSTART_FILES = (*BROKER_FILES, LogFile("namesrv.log", ("RocketmqNamesrv",), kept=5))


def log_folder(environment: Environment) -> Path:
    """Where the files stand: `-Drocketmq.log.root`, else $ROCKETMQ_LOG_ROOT, else upstream's folder."""
    given = environment.lookup("rocketmq.log.root", "ROCKETMQ_LOG_ROOT")
    return Path(given) if given else Path(environment.home, "logs", "rocketmqlogs")


def start_logging(files: Sequence[LogFile], folder: Path) -> None:
    """Open the files; StartRefused when the folder cannot be written."""
    logging.raiseExceptions = False  # a full disk under the logs must not fill stderr instead
    try:
        (folder / "otherdays").mkdir(parents=True, exist_ok=True)
        for file in files:
            _route(file, folder)
    except OSError as fault:
        path = fault.filename or folder
        remedy = "make it writable, or set ROCKETMQ_LOG_ROOT to another folder"
        raise StartRefused(f"logs cannot be written: {path}: {fault.strerror}; {remedy}") from None


def _route(file: LogFile, folder: Path) -> None:
    handler = SizedLogFile(folder / file.name, file.size, file.kept)
    for name in file.loggers:
        logger = logging.getLogger(name)
        for former in list(logger.handlers):
            logger.removeHandler(former)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = not name


class OneLine(logging.Formatter):
    """Upstream's line, with its level names; what a peer sent cannot begin a line of its own."""

    LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        record.level = self.LEVELS.get(record.levelname, record.levelname)
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        return super().formatMessage(record)


class SizedLogFile(RotatingFileHandler):
    """A file that moves to otherdays/<name>.1.log.gz when it reaches its size; 1 is the newest."""

    def __init__(self, path: Path, size: int, kept: int) -> None:
        super().__init__(path, maxBytes=size, backupCount=kept, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(OneLine())
        self._compressing: threading.Thread | None = None
        self.namer = self._older

    def _older(self, numbered: str) -> str:
        """`…/broker.log.3` → `…/otherdays/broker.3.log.gz`."""
        path, _, number = numbered.rpartition(".")
        file = Path(path)
        return str(file.parent / "otherdays" / f"{file.stem}.{number}{file.suffix}.gz")

    def doRollover(self) -> None:
        if self._compressing:
            self._compressing.join()
        super().doRollover()

    def rotate(self, source: str, dest: str) -> None:
        waiting = Path(dest).with_suffix(".tmp")
        Path(source).replace(waiting)
        self._compressing = threading.Thread(target=_compress, args=(waiting, Path(dest)), name="log-compress")
        self._compressing.start()

    def close(self) -> None:
        if self._compressing:
            self._compressing.join()
        super().close()


def _compress(source: Path, dest: Path) -> None:
    with source.open("rb") as plain, gzip.open(dest, "wb", compresslevel=5) as packed:
        shutil.copyfileobj(plain, packed, MB)
    source.unlink()
