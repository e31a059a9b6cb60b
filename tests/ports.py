"""Ports for servers that a test starts: no other test is given the same, and no client's connection takes one.

The kernel takes the near end of a connection from its own range, and a port in use there cannot be listened on: one
that was found free in that range can be gone before its server starts, or while it is stopped to be started again. So
ports are taken from below the range, in blocks; a name in the abstract namespace, held until this process ends, keeps
a block from the other test processes of this machine.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
LOWEST = 12_000     # above the ports that RocketMQ's servers have by default
FEWEST = 2_000      # what must be below the kernel's range; else any port has to do
BLOCK = 100
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 1000

_held: list[socket.socket] = []
_left = range(0)


def free_port(around: tuple[int, ...] = (0,)) -> int:
    """A port that is free together with its neighbours; all of them are this process's until it ends."""
    for _ in range(TRIES):
        port = _taken(max(around) - min(around) + 1).start - min(around)
        if all(is_free(port + step) for step in around):
            return port
    raise RuntimeError("no free port found")


def free_broker_port() -> int:
    """listenPort: the VIP port is two below it, the HA port one above."""
    return free_port((-2, 0, 1))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def candidates() -> range:
    first, last = map(int, RANGE.read_text().split())
    return range(LOWEST, first - 1) if first - LOWEST >= FEWEST else range(LOWEST, last)


def reserve(block: int) -> bool:
    """Keeps the ports of a block from other processes; False when they are somebody's already."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0rocketpy-test-ports-{block}")
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True


def _taken(count: int) -> range:
    """The next ports of this process's block, or the first ones of another."""
    global _left
    if len(_left) < count:
        possible = candidates()
        blocks = range(-(-possible.start // BLOCK), possible.stop // BLOCK)
        # Not the generator that tests give seeds.
        block = next(filter(reserve, random.SystemRandom().sample(blocks, len(blocks))))
        _left = range(block * BLOCK, (block + 1) * BLOCK)
    taken, _left = _left[:count], _left[count:]
    return taken
