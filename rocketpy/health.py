"""Says whether the servers of this user on this host answer: for a container's health check and probes of Kubernetes.

A server is asked over the ports that it listens on, until one of them answers, for a request code that nobody has: any
answer says that its loop turns. One that takes TLS only closes the connection, which says the same. Nothing is
configured: the ports are those that the kernel shows for the process.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from rocketpy._core.command import request
from rocketpy.processes import MAIN_CLASSES, Process, find_processes

TIMEOUT_S = 3.0
LISTEN = "0A"  # the column st of /proc/net/tcp
NOBODYS_CODE = -1
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}

Address = tuple[str, int]


def check() -> tuple[bool, list[str]]:
    """Whether at least one server runs and all that run answer; and a line for each, or for what is missing."""
    told = [_check_server(program, process) for program in MAIN_CLASSES for process in find_processes(program)]
    if not told:
        return False, ["no name server or broker of this user runs here"]
    return all(well for well, _ in told), [line for _, line in told]


def _check_server(program: str, process: Process) -> tuple[bool, str]:
    name = f"mq{program}({process.pid})"
    faults = []
    try:
        addresses = listening(process.pid)
    except OSError as hidden:  # it ended just now, or does not show what it has open
        return False, f"{name} does not serve, or not visibly: {hidden.filename}: {hidden.strerror}"
    for address in addresses:
        fault = ask(address)
        if not fault:
            return True, f"{name} answers at {address[0]}:{address[1]}"
        faults.append(f"{address[0]}:{address[1]} {fault}")
    return False, f"{name} does not serve: {', '.join(faults) or 'it listens on no port'}"


def ask(address: Address, timeout_s: float = TIMEOUT_S) -> str:
    """Why no server of RocketMQ's protocol answers there; empty when one does."""
    try:
        with socket.create_connection(address, timeout_s) as connection:
            connection.sendall(request(NOBODYS_CODE).encode())
            # The port of the metrics, which is no client's: one of those is asked next.
            return "speaks HTTP" if connection.recv(4) == b"HTTP" else ""
    except ConnectionResetError:  # closed with our bytes unread, as a server does that takes TLS only
        return ""
    except TimeoutError:
        return f"gives no answer within {timeout_s:g} s"
    except OSError as fault:
        return f"cannot be reached ({fault.strerror or fault})"


def listening(pid: int, proc: Path = Path("/proc")) -> list[Address]:
    """Where a process of this user listens, sorted, as addresses that this host reaches."""
    inodes = _socket_inodes(proc / str(pid) / "fd")
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = proc / str(pid) / "net" / table
        for row in path.read_text().splitlines()[1:] if path.exists() else []:
            columns = row.split()
            if columns[3] == LISTEN and columns[9] in inodes:
                found.add(_address(columns[1], family))
    return sorted(found)


def _socket_inodes(folder: Path) -> set[str]:
    found = set()
    for link in folder.iterdir():
        try:
            target = str(link.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            found.add(target[len("socket:[") : -1])
    return found


def _address(local: str, family: socket.AddressFamily) -> Address:
    """`0100007F:2A9F`, where each 32-bit word is written as this machine holds it."""
    words, port = local.split(":")
    packed = b"".join(struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8))
    host = socket.inet_ntop(family, packed)
    return ANYWHERE.get(host, host), int(port, 16)
