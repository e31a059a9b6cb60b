"""Upstream's file names, one line a fact, rotation by size into otherdays/*.gz."""

import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.config import Environment
from rocketpy.errors import StartRefused
from rocketpy.logs import BROKER_FILES, NAMESRV_FILES, LogFile, SizedLogFile, log_folder, start_logging


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    names = {name for file in (*BROKER_FILES, *NAMESRV_FILES) for name in file.loggers}
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    raising = logging.raiseExceptions
    yield
    logging.raiseExceptions = raising
    for logger, handlers, level, propagate in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def test_the_folder_is_upstreams_unless_told() -> None:
    assert log_folder(Environment(variables={"HOME": "/h"})) == Path("/h/logs/rocketmqlogs")
    assert log_folder(Environment(variables={"HOME": "/h", "ROCKETMQ_LOG_ROOT": "/l"})) == Path("/l")
    assert log_folder(Environment(variables={"JAVA_OPT": "-Duser.home=/d"})) == Path("/d/logs/rocketmqlogs")
    assert log_folder(Environment(variables={"HOME": "/h", "JAVA_OPT": "-Drocketmq.log.root=/l"})) == Path("/l")


def test_a_logger_has_its_file(tmp_path: Path) -> None:
    start_logging(BROKER_FILES, tmp_path)
    for logger, file in (("RocketmqBroker", "broker"), ("RocketmqCommon", "broker"), ("RocketmqStore", "store")):
        logging.getLogger(logger).info("from %s", logger)
        assert f"from {logger}\n" in (tmp_path / f"{file}.log").read_text()
    logging.getLogger("asyncio").warning("elsewhere")
    assert " WARN MainThread - elsewhere\n" in (tmp_path / "broker_default.log").read_text()
    assert "elsewhere" not in (tmp_path / "broker.log").read_text()


def test_the_name_server_has_two_files(tmp_path: Path) -> None:
    start_logging(NAMESRV_FILES, tmp_path)
    logging.getLogger("RocketmqRemoting").info("closed")
    assert "closed" in (tmp_path / "namesrv.log").read_text()
    assert sorted(path.name for path in tmp_path.glob("*.log")) == ["namesrv.log", "namesrv_default.log"]


def test_a_message_is_one_line(tmp_path: Path) -> None:
    start_logging((LogFile("x.log", ("RocketmqBroker",)),), tmp_path)
    logging.getLogger("RocketmqBroker").info("topic %s", "a\n2026-01-01 00:00:00,000 ERROR forged\r")
    assert (tmp_path / "x.log").read_text().count("\n") == 1


def test_a_full_file_is_kept_compressed(tmp_path: Path) -> None:
    (tmp_path / "otherdays").mkdir()
    handler = SizedLogFile(tmp_path / "x.log", size=200, kept=2)
    for number in range(12):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, f"line {number:02} {'-' * 60}", (), None))
    handler.close()
    kept = sorted(path.name for path in (tmp_path / "otherdays").iterdir())
    assert kept == ["x.1.log.gz", "x.2.log.gz"]
    newest = gzip.decompress((tmp_path / "otherdays" / "x.1.log.gz").read_bytes()).decode()
    older = gzip.decompress((tmp_path / "otherdays" / "x.2.log.gz").read_bytes()).decode()
    assert "line 10" in (tmp_path / "x.log").read_text() or "line 11" in (tmp_path / "x.log").read_text()
    assert newest.count("line") == older.count("line")
    assert older < newest


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(StartRefused, match="ROCKETMQ_LOG_ROOT") as refused:
        start_logging(BROKER_FILES, tmp_path / "logs")
    assert str(tmp_path / "logs") in str(refused.value)
