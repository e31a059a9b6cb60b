"""Ports for servers that a test starts: no other test is given the same, and no client's connection takes one.

The kernel takes the near end of a connection from its own range, and a port in use there cannot be listened on: one
that was found free in that range can be gone before its server starts, or while it is stopped to be started again. So
ports are taken from below the range; a name in the abstract namespace, held until this process ends, keeps each from
the other test processes of this machine.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
LOWEST = 12_000     # above the ports that RocketMQ's servers have by default
FEWEST = 2_000      # what must be below the kernel's range; else any port has to do
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1000

_held: dict[int, socket.socket] = {}
_chance = random.SystemRandom()     # not the generator that tests give seeds


def free_port(around: tuple[int, ...] = (0,)) -> int:
    """A port that is free together with its neighbours; all of them are this process's until it ends."""
    for _ in range(TRIES):
        port = _chance.choice(candidates())
        if reserve([port + step for step in around]):
            return port
    raise RuntimeError("no free port found")


def free_broker_port() -> int:
    """listenPort: the VIP port is two below it, the HA port one above."""
    return free_port((-2, 0, 1))


def candidates() -> range:
    first, last = map(int, RANGE.read_text().split())
    return range(LOWEST, first - 1) if first - LOWEST >= FEWEST else range(LOWEST, last)


def reserve(ports: list[int]) -> bool:
    """Keeps these ports from other tests; False when one of them is somebody's already."""
    names: dict[int, socket.socket] = {}
    try:
        for port in ports:
            names[port] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            names[port].bind(f"\0rocketpy-test-port-{port}")
            with socket.socket() as probe:
                probe.bind((HOST, port))
    except OSError:
        for name in names.values():
            name.close()
        return False
    _held.update(names)
    return True
