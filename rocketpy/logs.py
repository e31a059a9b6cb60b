"""Routes log lines to upstream's files under ~/logs/rocketmqlogs/, or all of them to stdout, as containers want it.

A line is one fact: line breaks inside a message are written as `\\n`. Files are rotated by size into otherdays/*.gz; a
rotated one is compressed in a thread, so the loop never waits for it. Nothing on the way of a message logs.
"""

import gzip
import logging
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rocketpy.config.environment import Environment
from rocketpy.errors import StartRefused

FORMAT = "%(asctime)s %(level)s %(threadName)s - %(message)s"
STDOUT_FORMAT = "%(asctime)s %(level)s %(name)s %(threadName)s - %(message)s"  # the file's name told the logger's
LEVELS = {"DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}
STDOUT_FD = 1
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


def to_stdout(environment: Environment) -> bool:
    """Whether `-Drocketmq.log.stdout` or $ROCKETMQ_LOG_STDOUT says true; StartRefused when it is no such word."""
    given = environment.lookup("rocketmq.log.stdout", "ROCKETMQ_LOG_STDOUT") or "false"
    if given.lower() not in ("true", "false"):
        raise StartRefused(f"ROCKETMQ_LOG_STDOUT={given} is neither true nor false: set true for logs on stdout")
    return given.lower() == "true"


def log_level(environment: Environment) -> int:
    """The least level that is written: `-Drocketmq.log.level` or $ROCKETMQ_LOG_LEVEL, else INFO, upstream's."""
    given = environment.lookup("rocketmq.log.level", "ROCKETMQ_LOG_LEVEL") or "INFO"
    try:
        return LEVELS[given.upper()]
    except KeyError:
        raise StartRefused(f"ROCKETMQ_LOG_LEVEL={given} is no level: set one of {', '.join(LEVELS)}") from None


def open_logs(files: Sequence[LogFile], environment: Environment) -> Path | None:
    """Begin to log where the surroundings say: the folder of the files, or None for stdout. StartRefused as below."""
    level = log_level(environment)
    folder = None if to_stdout(environment) else log_folder(environment)
    if folder is None:
        start_stdout(files, level)
    else:
        start_logging(files, folder, level)
    keep_traces()
    return folder


def start_logging(files: Sequence[LogFile], folder: Path, level: int = logging.INFO) -> None:
    """Open the files; StartRefused when the folder cannot be written."""
    logging.raiseExceptions = False  # a full disk under the logs must not fill stderr instead
    try:
        (folder / "otherdays").mkdir(parents=True, exist_ok=True)
        for file in files:
            _route(file, SizedLogFile(folder / file.name, file.size, file.kept), level)
    except OSError as fault:
        path = fault.filename or folder
        remedy = "make it writable, or set ROCKETMQ_LOG_ROOT to another folder"
        raise StartRefused(f"logs cannot be written: {path}: {fault.strerror}; {remedy}") from None


def start_stdout(files: Sequence[LogFile], level: int = logging.INFO) -> None:
    """Send the lines of all these files to stdout; no file is made."""
    logging.raiseExceptions = False
    handler = StdoutLog()
    for file in files:
        _route(file, handler, level)


def keep_traces() -> None:
    """Log what Python would only print: faults that end a thread, and faults in places that no caller hears of.

    Both are our own mistakes; stderr is often nowhere.
    """
    threading.excepthook = _thread_ended
    sys.unraisablehook = _not_raised


def _thread_ended(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        name = told.thread.name if told.thread else "a thread"
        logging.getLogger().error("%s ended by a fault", name, exc_info=told.exc_value)


def _not_raised(told: "sys.UnraisableHookArgs") -> None:
    if told.exc_value is not None:
        logging.getLogger().error("%s %r", told.err_msg or "a fault in", told.object, exc_info=told.exc_value)


def is_on_stdout(log: logging.Logger) -> bool:
    """Whether the log's lines stand on stdout, so that what goes there must not be said twice."""
    return any(isinstance(handler, StdoutLog) for handler in log.handlers)


def _route(file: LogFile, handler: logging.Handler, level: int) -> None:
    for name in file.loggers:
        logger = logging.getLogger(name)
        for former in list(logger.handlers):
            logger.removeHandler(former)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = not name


class OneLine(logging.Formatter):
    """Upstream's line, with its level names; what a peer sent cannot begin a line of its own.

    A record may bring many: `extra={"lines": […]}`.
    """

    LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}  # noqa: RUF012

    def __init__(self, form: str = FORMAT) -> None:
        super().__init__(form)

    def format(self, record: logging.LogRecord) -> str:
        record.level = self.LEVELS.get(record.levelname, record.levelname)
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        told = []
        for line in getattr(record, "lines", (record.message,)):
            record.message = line.replace("\r", "\\r").replace("\n", "\\n")
            told.append(super().formatMessage(record))
        return "\n".join(told)


class StdoutLog(logging.Handler):
    """Writes each line to the process's stdout at once, past Python's buffer: what a closed pipe refuses is gone.

    A buffer would keep the refused line, and a clean stop would end with an error over it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(OneLine(STDOUT_FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            while data:
                data = data[os.write(STDOUT_FD, data) :]
        except Exception:  # nobody reads: the server goes on without telling
            self.handleError(record)


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

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Not while the last full file is being packed: this line would wait for that, and with it the server."""
        if self._compressing and self._compressing.is_alive():
            return False
        return bool(super().shouldRollover(record))

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
