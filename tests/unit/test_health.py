"""Servers are found by their processes and asked over their own ports; one that does not answer is told."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rocketpy import health
from rocketpy.processes import Process
from rocketpy.testing import cluster

Peer = Callable[[socket.socket], object]


@contextmanager
def listener(serve: Peer) -> Iterator[health.Address]:
    """Serves one connection in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()
        thread.join()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("serve", "fault"),
    [
        (lambda connection: connection.sendall(b"\0\0\0\x10"), ""),
        (lambda connection: connection.recv(1000), ""),  # it takes TLS only, and closes
        (reset, ""),
        (lambda connection: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n"), "speaks HTTP"),
        (lambda connection: connection.recv(1000) and connection.recv(1), "gives no answer within 0.05 s"),
    ],
)
def test_what_counts_as_an_answer(serve: Peer, fault: str) -> None:
    with listener(serve) as address:
        assert health.ask(address, timeout_s=0.05 if fault.startswith("gives") else 5) == fault


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert health.ask(closed.getsockname()) == "cannot be reached (Connection refused)"


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Process]]:
    """What runs, for the test to say."""
    running: dict[str, list[Process]] = {"broker": [], "namesrv": []}
    monkeypatch.setattr(health, "find_processes", running.__getitem__)
    return running


def test_a_broker_that_serves(processes: dict[str, list[Process]], monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as served:
        host, port = served.broker_addr.split(":")
        processes["broker"].append(Process(7, "broker", None))
        monkeypatch.setattr(health, "listening", lambda pid: [(host, int(port))] if pid == 7 else [])
        assert health.check() == (True, [f"mqbroker(7) answers at {host}:{port}"])


def test_nothing_runs(processes: dict[str, list[Process]]) -> None:
    assert health.check() == (False, ["no name server or broker of this user runs here"])


def test_one_that_does_not_answer_is_told(
    processes: dict[str, list[Process]], monkeypatch: pytest.MonkeyPatch
) -> None:
    processes["namesrv"] = [Process(1, "namesrv", None), Process(2, "namesrv", None)]
    monkeypatch.setattr(health, "listening", lambda pid: [("127.0.0.1", 5557), ("127.0.0.1", 9876)][: pid - 1 and 2])
    monkeypatch.setattr(health, "ask", lambda address: "speaks HTTP" if address[1] == 5557 else "")
    assert health.check() == (
        False,
        ["mqnamesrv(1) does not serve: it listens on no port", "mqnamesrv(2) answers at 127.0.0.1:9876"],
    )


def test_one_that_ends_meanwhile_is_told(processes: dict[str, list[Process]]) -> None:
    nobody = 2**22 + 1  # beyond the highest number that a process can have
    processes["broker"].append(Process(nobody, "broker", None))
    well, (line,) = health.check()
    assert not well
    assert line.startswith(f"mqbroker({nobody}) does not serve, or not visibly: /proc/{nobody}/")


def test_the_ports_of_a_process_are_the_kernels() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("", 0)) as second:
        found, address = health.listening(os.getpid()), first.getsockname()
        assert address in found
        assert ("127.0.0.1", second.getsockname()[1]) in found
    assert address not in health.listening(os.getpid())


def test_addresses_of_ipv6(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    (folder / "net").mkdir(parents=True)
    (folder / "fd").mkdir()
    (folder / "fd" / "3").symlink_to("socket:[42]")
    row = "0: 00000000000000000000000000000000:2A9F 00000000000000000000000000000000:0000 {} 0:0 0:0 0 0 0 {} 1"
    lines = ("header", row.format("0A", 42), row.format("01", 42), row.format("0A", 43))
    (folder / "net" / "tcp6").write_text("\n".join(lines))
    assert health.listening(7, tmp_path) == [("::1", 10911)]
