"""Ports of tests stay a test's own: with their neighbours, out of the kernel's range, and from other processes."""

from __future__ import annotations

import socket
import subprocess
import sys

from tests import ports

RESERVE = "import sys; from tests import ports; print(ports.reserve([int(sys.argv[1])]))"


def reserved_by_another(port: int) -> str:
    return subprocess.run([sys.executable, "-c", RESERVE, str(port)], capture_output=True, text=True, check=True).stdout


def test_a_broker_port_has_its_neighbours_free_and_keeps_them():
    port = ports.free_broker_port()
    for each in (port - 2, port, port + 1):
        assert not ports.reserve([each])
        assert reserved_by_another(each) == "False\n"
        with socket.socket() as sock:
            sock.bind((ports.HOST, each))


def test_a_port_somebody_listens_on_is_nobody_elses():
    with socket.socket() as sock:
        sock.bind((ports.HOST, 0))
        sock.listen()
        assert not ports.reserve([sock.getsockname()[1]])


def test_ports_are_taken_where_the_kernel_takes_none_for_clients(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "RANGE", tmp_path / "range")
    for first, end in ((32768, 32767), (1024, 60999)):
        ports.RANGE.write_text(f"{first}\t60999\n")
        assert ports.candidates() == range(ports.LOWEST, end)
