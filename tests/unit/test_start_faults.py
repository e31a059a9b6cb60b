"""What an operator gets wrong is one line on stderr with path or port and remedy; the store is as it was."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_broker_port

REPO = Path(__file__).parents[2]
HOST = "127.0.0.1"


class Operator:
    """Starts programs with a home folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = home / "store"
        self.port = free_broker_port()
        self.started: list[subprocess.Popen[str]] = []

    def properties(self, **settings: object) -> Path:
        values = {
            "listenPort": self.port,
            "brokerIP1": HOST,
            "brokerName": "b",
            "storePathRootDir": self.store,
            "storePathCommitLog": self.store / "commitlog",
            "mappedFileSizeCommitLog": 1 << 20,
            "maxHashSlotNum": 100,
            "maxIndexNum": 400,
            **settings,
        }
        path = self.home / f"{len(list(self.home.iterdir()))}.conf"
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return path

    def begin(self, program: str, path: Path, **variables: str) -> subprocess.Popen[str]:
        environment = {"HOME": str(self.home), "ROCKETMQ_HOME": "/opt/mq", "PYTHONPATH": str(REPO), **variables}
        command = [sys.executable, "-m", "rocketpy.cli", program, "-c", str(path)]
        process = subprocess.Popen(
            command, env=environment, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def run(self, program: str, path: Path) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a program that is to end by itself."""
        process = self.begin(program, path)
        stdout, stderr = process.communicate(timeout=30)
        return process.returncode, stdout, stderr

    def serving(self, program: str, path: Path) -> subprocess.Popen[str]:
        """A program that has said its boot line."""
        process = self.begin(program, path)
        assert process.stdout
        for line in process.stdout:
            if "boot success" in line:
                return process
        raise AssertionError(process.communicate()[1])

    def snapshot(self) -> dict[str, tuple[int, int, int]]:
        """Every file and folder of the store: size, time of change, inode."""
        paths = sorted(self.store.rglob("*")) if self.store.exists() else []
        stats = {str(path): path.lstat() for path in paths}
        return {path: (stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    operator = Operator(tmp_path)
    yield operator
    for process in operator.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(operator: Operator, program: str, path: Path) -> str:
    """The one line on stderr of a start that changed nothing in the store."""
    before = operator.snapshot()
    code, stdout, stderr = operator.run(program, path)
    assert code in (253, 255)
    assert "boot success" not in stdout
    assert stderr.count("\n") == 1, stderr
    assert {path: stat for path, stat in operator.snapshot().items() if not path.endswith("/lock")} == {
        path: stat for path, stat in before.items() if not path.endswith("/lock")
    }
    return stderr


def used(operator: Operator) -> Path:
    """A store that a broker has used and left."""
    path = operator.properties()
    broker = operator.serving("broker", path)
    broker.send_signal(signal.SIGTERM)
    assert broker.wait(20) == 0
    return path


@pytest.mark.parametrize("step", [0, -2])
def test_a_port_in_use(operator: Operator, step: int) -> None:
    path = used(operator)
    with socket.create_server((HOST, operator.port + step)):
        line = refused(operator, "broker", path)
    assert f"port {operator.port + step} is in use" in line
    assert "listenPort" in line


def test_a_store_that_another_broker_holds(operator: Operator) -> None:
    first = operator.serving("broker", operator.properties())
    first.send_signal(signal.SIGSTOP)  # it allocates blocks ahead, which is no change by the second
    os.waitpid(first.pid, os.WUNTRACED)
    operator.port = free_broker_port()
    line = refused(operator, "broker", operator.properties())
    assert str(operator.store) in line
    assert str(first.pid) in line
    assert first.poll() is None


@pytest.mark.parametrize("name", ["checkpoint", "abort", "config/topics.json", "lock"])
def test_a_folder_where_a_file_must_be(operator: Operator, name: str) -> None:
    (operator.store / name).mkdir(parents=True)
    line = refused(operator, "broker", operator.properties())
    assert f"{operator.store}/{name}" in line
    assert "folder" in line or "directory" in line


@pytest.mark.parametrize("name", ["commitlog", "consumequeue", "config", "index"])
def test_a_file_where_a_folder_must_be(operator: Operator, name: str) -> None:
    operator.store.mkdir()
    (operator.store / name).write_text("precious")
    line = refused(operator, "broker", operator.properties())
    assert f"{operator.store}/{name}" in line
    assert (operator.store / name).read_text() == "precious"


def test_a_store_below_a_file(operator: Operator) -> None:
    operator.store.write_text("precious")
    line = refused(operator, "broker", operator.properties())
    assert str(operator.store) in line
    assert operator.store.read_text() == "precious"


def test_a_store_where_nothing_can_be_written(operator: Operator) -> None:
    line = refused(operator, "broker", operator.properties(storePathRootDir="/proc/rocketpy"))
    assert "/proc/rocketpy" in line


def test_a_commit_log_where_nothing_can_be_written(operator: Operator) -> None:
    line = refused(operator, "broker", operator.properties(storePathCommitLog="/proc/rocketpy/commitlog"))
    assert "/proc/rocketpy" in line


def test_a_name_servers_port_in_use(operator: Operator) -> None:
    path = operator.home / "n.conf"
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        path.write_text(f"listenPort={port}\n")
        line = refused(operator, "namesrv", path)
    assert f"port {port} is in use" in line


def test_a_folder_where_the_kv_file_must_be(operator: Operator) -> None:
    path = operator.home / "n.conf"
    (operator.home / "kv").mkdir()
    path.write_text(f"listenPort={operator.port}\nkvConfigPath={operator.home}/kv\n")
    assert f"{operator.home}/kv" in refused(operator, "namesrv", path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_broker_cleanly(operator: Operator, number: signal.Signals) -> None:
    broker = operator.serving("broker", operator.properties())
    assert (operator.store / "abort").exists()
    for _ in range(3):
        broker.send_signal(number)
    assert broker.wait(20) == 0
    assert not (operator.store / "abort").exists()
    assert (operator.store / "checkpoint").exists()


def test_the_boot_line_is_upstreams(operator: Operator) -> None:
    process = operator.begin("broker", operator.properties(namesrvAddr=f"{HOST}:{free_broker_port()}"))
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "boot success" in line:
            break
    address = operator.properties().read_text().partition("\n")[0].removeprefix("listenPort=")
    assert lines[0].startswith(f"clients are given the address {HOST}:{address} (brokerIP1 in ")
    assert lines[-1].startswith(f"The broker[b, {HOST}:{address}] boot success. serializeType=JSON and name server is ")


def test_a_loopback_address_is_warned_of(operator: Operator) -> None:
    broker = operator.serving("broker", operator.properties())
    broker.terminate()
    assert f"brokerIP1 {HOST} is a loopback address" in broker.communicate(timeout=20)[1]


def test_logs_on_stdout_say_each_fact_once_and_make_no_files(operator: Operator) -> None:
    broker = operator.begin("broker", operator.properties(), ROCKETMQ_LOG_STDOUT="true")
    assert broker.stdout
    lines = []
    for line in broker.stdout:
        lines.append(line)
        if "is a loopback address" in line:
            break
    broker.stdout.close()  # nobody reads any more
    broker.terminate()
    assert broker.wait(20) == 0
    assert sum("clients are given the address" in line for line in lines) == 1
    assert broker.stderr and broker.stderr.read() == ""
    assert not (operator.home / "logs").exists()


def test_a_refused_start_that_logs_on_stdout_is_one_line(operator: Operator) -> None:
    path = operator.properties()
    with socket.create_server((HOST, operator.port)):
        broker = operator.begin("broker", path, ROCKETMQ_LOG_STDOUT="true")
        stdout, stderr = broker.communicate(timeout=30)
    assert broker.returncode == 255
    assert stderr.count("\n") == 1
    assert "is in use" in stderr
    assert "is in use" not in stdout


def test_what_is_refused_before_the_logs_are_open_stands_in_them(operator: Operator) -> None:
    """Started by a script with >/dev/null 2>&1, nobody sees stderr."""
    line = refused(operator, "broker", operator.properties(brokerId=3))
    assert f"ERROR MainThread - {line}" in (operator.home / "logs" / "rocketmqlogs" / "broker.log").read_text()
    line = refused(operator, "namesrv", operator.home / "none.conf")
    assert f"ERROR MainThread - {line}" in (operator.home / "logs" / "rocketmqlogs" / "namesrv.log").read_text()
