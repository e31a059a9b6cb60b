"""Faults become one line and an exit code; signals stop a server once."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocketpy.config import Environment
from rocketpy.config.checks import UpstreamRefused
from rocketpy.errors import StartRefused, StoreError
from rocketpy.launch import announce, caution, guarded, say, serve_until_signal, tell_java_options
from rocketpy.logs import StdoutLog

REPO = Path(__file__).parents[2]

log = logging.getLogger("test.launch")
log.propagate = False
log.addHandler(logging.NullHandler())


def raising(fault: BaseException) -> Callable[[], int]:
    def run() -> int:
        raise fault

    return run


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (StartRefused("port 1 is in use", 255), 255, "port 1 is in use\n"),
        (StoreError("commitlog is torn"), 253, "commitlog is torn\n"),
        (
            PermissionError(13, "Permission denied", "/x"),
            255,
            "/x: Permission denied: check path, permissions and space\n",
        ),
        (ZeroDivisionError("0/0"), 255, "unexpected ZeroDivisionError: 0/0; the log has the traceback\n"),
        (KeyboardInterrupt(), 130, "interrupted before it served\n"),
    ],
)
def test_a_fault_is_one_line_on_stderr(
    fault: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(raising(fault), log) == code
    assert capsys.readouterr() == ("", line)


def test_upstreams_words_stand_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(raising(UpstreamRefused("Please set", 254)), log) == 254
    assert capsys.readouterr() == ("Please set\n", "")


class Told:
    """A server that is told to stop `signals` times once it has started."""

    def __init__(self, number: signal.Signals, signals: int = 1) -> None:
        self.number, self.signals = number, signals
        self.stopped = 0

    async def start(self) -> None:
        for _ in range(self.signals):
            os.kill(os.getpid(), self.number)

    async def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def heeded() -> Iterator[None]:
    """Tests that run in the background (`&`, nohup) have inherited that SIGINT or SIGHUP is ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_cleanly(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    server = Told(number)
    assert serve_until_signal(server, lambda: say("boot success"), log) == 0
    assert server.stopped == 1
    assert capsys.readouterr().out == "boot success\n"


def test_more_signals_change_nothing() -> None:
    server = Told(signal.SIGTERM, signals=5)
    assert serve_until_signal(server, list, log) == 0
    assert server.stopped == 1


def test_a_start_that_fails_is_not_stopped_by_us() -> None:
    class Refused(Told):
        async def start(self) -> None:
            raise StartRefused("locked")

    server = Refused(signal.SIGTERM)
    with pytest.raises(StartRefused):
        serve_until_signal(server, list, log)
    assert server.stopped == 0


def test_java_options_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell_java_options(Environment(variables={"JAVA_OPT": "-Xmx1g -Duser.home=/x -Dx=y"}), log)
    assert capsys.readouterr().err == "JAVA_OPT: no JVM runs here, so these have no effect: -Xmx1g -Dx=y\n"
    tell_java_options(Environment(variables={"JAVA_OPT": "-Duser.home=/x"}), log)
    tell_java_options(Environment(variables={}), log)
    assert capsys.readouterr().err == ""


def test_closed_standard_streams_are_nobodys() -> None:
    """`mqbroker >&- 2>&-`: the next file opened would be 1, and lines would be written into it."""
    work = "import os; from rocketpy.launch import keep_standard_streams, say, warn; keep_standard_streams(); "
    work += "opened = os.open('/dev/zero', os.O_RDONLY); say('x'); warn('y'); raise SystemExit(opened)"
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", work]
    assert subprocess.run(command, cwd=REPO, check=False).returncode > 2


def test_a_reader_that_goes_does_not_spoil_a_clean_stop() -> None:
    work = "from rocketpy.launch import say; input(); say('nobody reads'); say('nor this')"
    process = subprocess.Popen(
        [sys.executable, "-c", work], cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write(b"go\n")
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) == 0


def test_what_stands_on_stdout_is_not_said_again(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "handlers", [StdoutLog()])
    announce("boot success", log)
    caution("loopback", log)
    out, err = capfd.readouterr()
    assert [line.split(" - ")[1] for line in out.splitlines()] == ["loopback"]  # the logger's level is WARNING
    assert err == ""


def test_a_user_without_a_home_is_told_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("rocketpy.config.environment.Path.home", no_home)
    with pytest.raises(StartRefused, match=r"uid \d+ has no home folder: set HOME, or -Duser.home in JAVA_OPT_EXT"):
        Environment(variables={}).home  # noqa: B018
    assert Environment(variables={"JAVA_OPT_EXT": "-Duser.home=/x"}).home == "/x"


def test_our_own_fault_keeps_its_trace_in_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = logging.getLogger("test.launch.own")
    own.propagate = False

    def open_log() -> None:
        own.addHandler(logging.FileHandler(tmp_path / "x.log"))

    assert guarded(raising(ZeroDivisionError("0/0")), own, open_log) == 255
    assert "Traceback" in (tmp_path / "x.log").read_text()
    assert capfd.readouterr().err == "unexpected ZeroDivisionError: 0/0; the log has the traceback\n"
    own.handlers.pop().close()


def test_a_log_that_cannot_be_opened_does_not_hide_the_fault(capsys: pytest.CaptureFixture[str]) -> None:
    own = logging.getLogger("test.launch.none")
    own.propagate = False

    def open_log() -> None:
        raise StartRefused("logs cannot be written")

    assert guarded(raising(StartRefused("port 1 is in use")), own, open_log) == 255
    assert capsys.readouterr().err == "port 1 is in use\n"
