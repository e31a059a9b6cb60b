"""Ports of tests stay a test's own: with their neighbours, out of the kernel's range, and from other processes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports

RESERVE = "import sys; from tests import ports; print(ports.reserve(int(sys.argv[1])), ports.free_port())"
REPO = Path(__file__).parents[2]


def test_a_broker_port_has_its_neighbours_free_and_keeps_them() -> None:
    given = [port + step for port in (ports.free_broker_port() for _ in range(ports.BLOCK)) for step in (-2, -1, 0, 1)]
    assert len(set(given)) == len(given)
    assert set(given) <= set(ports.candidates())
    for port in given[-4:]:
        with socket.socket() as sock:
            sock.bind((ports.HOST, port))


def test_another_process_takes_other_ports() -> None:
    block = ports.free_port() // ports.BLOCK
    command = [sys.executable, "-c", RESERVE, str(block)]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    reserved, port = done.stdout.split()
    assert (reserved, int(port) // ports.BLOCK == block) == ("False", False)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    port = ports.free_port()
    with socket.create_server((ports.HOST, port)):
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_ports_are_those_that_the_kernel_takes_for_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RANGE", tmp_path / "range")
    for first, end in ((32768, 32767), (1024, 60999)):
        ports.RANGE.write_text(f"{first}\t60999\n")
        assert ports.candidates() == range(ports.LOWEST, end)
