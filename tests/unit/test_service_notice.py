"""The service manager is told of readiness and of a stop; no fault of that ends a server."""

import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.launch import serve_until_signal
from rocketpy.service_notice import READY, tell_manager

log = logging.getLogger("test.notice")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_a_path(manager: socket.socket) -> None:
    tell_manager(READY, {"NOTIFY_SOCKET": manager.getsockname()})
    assert manager.recv(100) == b"READY=1"


def test_a_name_of_the_abstract_namespace() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0rocketpy-test-{os.getpid()}")
        tell_manager(READY, {"NOTIFY_SOCKET": f"@rocketpy-test-{os.getpid()}"})
        assert listening.recv(100) == b"READY=1"


def test_without_a_manager_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tell_manager(READY, {})
    assert caplog.records == []


@pytest.mark.parametrize("address", ["/nowhere/notify", "x" * 200, "a\0b"])
def test_a_manager_that_cannot_be_told_is_one_line(address: str, caplog: pytest.LogCaptureFixture) -> None:
    tell_manager(READY, {"NOTIFY_SOCKET": address})
    (record,) = caplog.records
    assert record.getMessage().startswith(f"NOTIFY_SOCKET={address}: READY=1 is not told to the service manager: ")


class Server:
    async def start(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    async def stop(self) -> None: ...


def test_a_server_is_ready_once_it_said_so_and_then_stops(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    started: list[bool] = []
    manager.setblocking(False)

    def told() -> None:
        with pytest.raises(BlockingIOError):  # nothing before the ports serve
            manager.recv(100)
        started.append(True)

    assert serve_until_signal(Server(), told, log) == 0
    assert started == [True]
    assert [manager.recv(100), manager.recv(100)] == [b"READY=1", b"STOPPING=1"]
