"""Upstream's file names, one line a fact, rotation by size into otherdays/*.gz."""

import gzip
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy import logs
from rocketpy.config import Environment
from rocketpy.errors import StartRefused
from rocketpy.logs import (
    BROKER_FILES,
    NAMESRV_FILES,
    QUICKSTART_FILES,
    LogFile,
    SizedLogFile,
    is_on_stdout,
    log_folder,
    open_logs,
    start_logging,
)


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    names = {name for file in (*BROKER_FILES, *NAMESRV_FILES) for name in file.loggers}
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    raising, hooks = logging.raiseExceptions, (threading.excepthook, sys.unraisablehook)
    yield
    logging.raiseExceptions = raising
    threading.excepthook, sys.unraisablehook = hooks
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
        handler.emit(line(number))
        packed()
    handler.close()
    kept = sorted(path.name for path in (tmp_path / "otherdays").iterdir())
    assert kept == ["x.1.log.gz", "x.2.log.gz"]
    newest = gzip.decompress((tmp_path / "otherdays" / "x.1.log.gz").read_bytes()).decode()
    older = gzip.decompress((tmp_path / "otherdays" / "x.2.log.gz").read_bytes()).decode()
    assert "line 10" in (tmp_path / "x.log").read_text() or "line 11" in (tmp_path / "x.log").read_text()
    assert newest.count("line") == older.count("line")
    assert older < newest


def line(number: int) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, f"line {number:02} {'-' * 60}", (), None)


def packed() -> None:
    """Until no full file is being compressed."""
    for thread in threading.enumerate():
        if thread.name == "log-compress":
            thread.join()


def test_no_line_waits_for_the_file_before_to_be_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "otherdays").mkdir()
    may_go_on = threading.Event()
    compress = logs._compress

    def slowly(source: Path, dest: Path) -> None:
        may_go_on.wait(30)
        compress(source, dest)

    monkeypatch.setattr(logs, "_compress", slowly)
    handler = SizedLogFile(tmp_path / "x.log", size=200, kept=9)
    for number in range(8):
        handler.emit(line(number))
    assert not may_go_on.is_set()
    assert [int(word) for word in re.findall(r"line (\d\d)", (tmp_path / "x.log").read_text())] == [*range(1, 8)]
    may_go_on.set()
    packed()
    handler.emit(line(8))
    handler.close()
    assert "line 08" in (tmp_path / "x.log").read_text()
    assert len(list((tmp_path / "otherdays").iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(StartRefused, match="ROCKETMQ_LOG_ROOT") as refused:
        start_logging(BROKER_FILES, tmp_path / "logs")
    assert str(tmp_path / "logs") in str(refused.value)


def surroundings(home: Path, **variables: str) -> Environment:
    return Environment(variables={"HOME": str(home), **variables})


@pytest.mark.parametrize("files", [BROKER_FILES, NAMESRV_FILES, QUICKSTART_FILES])
def test_one_switch_sends_every_line_to_stdout(
    files: tuple[LogFile, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert open_logs(files, surroundings(tmp_path, ROCKETMQ_LOG_STDOUT="true")) is None
    for name in ("RocketmqRemoting", "asyncio"):
        logging.getLogger(name).warning("two\nlines, ä, \udcff")
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(" WARN ")[2] for line in lines] == [
        f"{name} MainThread - two\\nlines, ä, \\udcff" for name in ("RocketmqRemoting", "asyncio")
    ]
    assert is_on_stdout(logging.getLogger("RocketmqRemoting"))
    assert list(tmp_path.iterdir()) == []


def test_a_system_property_is_a_switch_too(tmp_path: Path) -> None:
    assert open_logs(NAMESRV_FILES, surroundings(tmp_path, JAVA_OPT="-Drocketmq.log.stdout=TRUE")) is None
    folder = open_logs(NAMESRV_FILES, surroundings(tmp_path, ROCKETMQ_LOG_STDOUT="false"))
    assert folder == tmp_path / "logs" / "rocketmqlogs"
    assert not is_on_stdout(logging.getLogger("RocketmqNamesrv"))


def test_a_stdout_that_nobody_reads_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr("rocketpy.logs.STDOUT_FD", write)
    open_logs(NAMESRV_FILES, surroundings(tmp_path, ROCKETMQ_LOG_STDOUT="true"))
    logging.getLogger("RocketmqNamesrv").info("gone")
    os.close(write)


def test_the_level_is_one_switch(tmp_path: Path) -> None:
    open_logs(NAMESRV_FILES, surroundings(tmp_path, ROCKETMQ_LOG_LEVEL="warn", ROCKETMQ_LOG_ROOT=str(tmp_path)))
    log = logging.getLogger("RocketmqNamesrv")
    log.info("hidden")
    log.warning("shown")
    text = (tmp_path / "namesrv.log").read_text()
    assert "shown" in text
    assert "hidden" not in text


@pytest.mark.parametrize(("name", "words"), [("STDOUT", "neither true nor false"), ("LEVEL", "DEBUG, INFO, WARN")])
def test_a_switch_that_says_nothing_is_refused(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=words):
        open_logs(NAMESRV_FILES, surroundings(tmp_path, **{f"ROCKETMQ_LOG_{name}": "loud"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("program", "files"), [("broker", BROKER_FILES), ("name server", NAMESRV_FILES)])
def test_the_page_has_the_files(program: str, files: tuple[LogFile, ...]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating" / "logs.md").read_text()
    rows = {f"| {program} | `{file.name}` | {', '.join(file.loggers) or 'every other one'} |" for file in files}
    assert rows == {line for line in page.splitlines() if line.startswith(f"| {program} | ")}


def test_faults_that_nobody_hears_of_keep_their_trace(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Spoilt:
        def __del__(self) -> None:
            raise ZeroDivisionError("on the way out")

    def end() -> None:
        raise ZeroDivisionError("in a thread")

    open_logs(BROKER_FILES, surroundings(tmp_path, ROCKETMQ_LOG_ROOT=str(tmp_path)))
    thread = threading.Thread(target=end, name="flush")
    thread.start()
    thread.join()
    threading.Thread(target=sys.exit).start()  # no fault
    Spoilt()
    text = (tmp_path / "broker_default.log").read_text()
    assert "ERROR flush - flush ended by a fault\nTraceback" in text
    assert "ZeroDivisionError: on the way out" in text
    assert text.count("Traceback") == 2
    assert capfd.readouterr().err == ""


def test_the_words_that_the_page_promises_are_in_the_code() -> None:
    repo = Path(__file__).parents[2]
    page = (repo / "docs" / "operating" / "logs.md").read_text()
    promised = page.partition("What is searched for most")[2].partition(" Topics, queues")[0]
    code = "".join(path.read_text() for path in (repo / "rocketpy").rglob("*.py"))
    words = [word.replace("[0]", "[%d]").replace("normally", "") for word in re.findall(r"`([^`]+)`", promised)]
    assert len(words) > 10
    assert [word for word in words if word not in code] == []


def test_a_record_of_many_lines_has_the_head_before_each(tmp_path: Path) -> None:
    start_logging((LogFile("stats.log", ("RocketmqStats",)),), tmp_path)
    logging.getLogger("RocketmqStats").info("a\nb", extra={"lines": ["a", "b\nc"]})
    lines = (tmp_path / "stats.log").read_text().splitlines()
    assert [line.partition(" - ")[2] for line in lines] == ["a", r"b\nc"]
    assert len({line.partition(" - ")[0] for line in lines}) == 1
