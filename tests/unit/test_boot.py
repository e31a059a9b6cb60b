"""The systemd units: systemd takes them, they ask for nothing that is not there, and the server itself says "ready"."""

import configparser
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from rocketpy.config.checks import EXIT_BAD_SETTING
from rocketpy.processes import STOP_TIMEOUT_S
from tests import needs
from tests.ports import free_port

REPO = Path(__file__).parents[2]
UNITS = sorted((REPO / "conf" / "systemd").glob("*.service"))
INSTALLED = "/opt/rocketpy"
WORST_EXPOSURE = 20  # tenths; systemd calls 2.0 OK and 5.0 MEDIUM
CREDENTIALS = struct.calcsize("iii")


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        needs.lack("systemd-analyze", "systemd-analyze is missing; install it with: apt-get install systemd")
    assert program
    return program


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit whose paths lead into this checkout: a program that is not there is one of the faults looked for."""
    path = tmp_path / request.param.name
    path.write_text(request.param.read_text().replace(INSTALLED, str(REPO)))
    return path


def read(path: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser["Service"]


def test_there_is_a_unit_for_each_server() -> None:
    assert [path.stem for path in UNITS] == ["rocketmq-broker", "rocketmq-namesrv"]


def test_systemd_takes_it(analyze: str, unit: Path) -> None:
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_mistake_in_a_unit_would_be_found(analyze: str, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("bin/mq", "bin/nq") + "[Service]\nProtectSytem=strict\n")
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "ProtectSytem" in done.stderr
    assert "is not executable" in done.stderr


def test_it_is_hardened(analyze: str, unit: Path) -> None:
    command = [analyze, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze before 250 looks at no units that are not loaded")
    assert done.returncode == 0, done.stdout


def test_a_stop_gets_the_time_that_mqshutdown_gives(unit: Path) -> None:
    if unit.stem == "rocketmq-broker":
        assert int(read(unit)["TimeoutStopSec"]) >= STOP_TIMEOUT_S


def test_settings_that_cannot_be_are_not_tried_again(unit: Path) -> None:
    assert read(unit)["RestartPreventExitStatus"].split() == [str(EXIT_BAD_SETTING), "254"]


def test_what_the_server_writes_by_itself_may_be_written(unit: Path) -> None:
    service = read(unit)
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectory"] == "rocketmq"
    assert "HOME=%S/rocketmq" in service["Environment"]  # ~/store, ~/namesrv, ~/logs
    assert service["ReadWritePaths"] == "-/etc/rocketmq"  # a properties file that a remote update writes


def test_readiness_comes_from_the_process_that_systemd_started(tmp_path: Path) -> None:
    """Through the script and its exec: NotifyAccess=main takes no other's word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(30)
        file = tmp_path / "n.conf"
        file.write_text(f"listenPort={free_port()}\n")
        environment = {"HOME": str(tmp_path), "NOTIFY_SOCKET": manager.getsockname(), "PYTHONPATH": str(REPO),
                       "ROCKETPY_PYTHON": sys.executable, "PATH": os.environ["PATH"]}
        command = [REPO / "bin" / "mqnamesrv", "-c", file]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                state, ancillary, _, _ = manager.recvmsg(100, socket.CMSG_SPACE(CREDENTIALS))
                pid, _, _ = struct.unpack("iii", ancillary[0][2][:CREDENTIALS])
                assert (state, pid) == (b"READY=1", server.pid)
                port = int(file.read_text().partition("=")[2])
                socket.create_connection(("127.0.0.1", port), 5).close()
            finally:
                server.terminate()
                server.wait(20)
            assert manager.recv(100) == b"STOPPING=1"
