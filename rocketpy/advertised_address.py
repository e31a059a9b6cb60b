"""Chooses the address a broker advertises (brokerIP1) as upstream does, and says why, since clients must reach it.

The choice never opens a connection: it looks only at this machine's interfaces.
"""

import array
import fcntl
import socket
import struct
from dataclasses import dataclass, replace
from pathlib import Path

SIOCGIFCONF = 0x8912
IFREQ_SIZE = 40  # struct ifreq on 64-bit Linux
CONTAINER_BRIDGES = ("docker", "br-", "virbr", "cni", "podman", "lxc", "lxdbr", "flannel", "cali", "veth")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker's and Podman's, in each container
EVERY_ADDRESS = "0.0.0.0"
REMEDY = "set brokerIP1 in the broker's properties file to an address that clients reach"


@dataclass(frozen=True)
class Choice:
    """An advertised address with the reason it was chosen, and a warning where clients may not reach it.

    `is_foreign`: no interface of this host has it; so it is where it is translated, and where it is mistyped.
    """

    address: str
    reason: str
    warning: str = ""
    is_foreign: bool = False


def ipv4_interfaces() -> list[tuple[str, str]]:
    """(interface, address) of every IPv4 address that is up, in the kernel's order."""
    room = array.array("B", bytes(128 * IFREQ_SIZE))
    address, size = room.buffer_info()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking.fileno(), SIOCGIFCONF, struct.pack("iP", size, address))
    used: int = struct.unpack("iP", answer)[0]
    records = (room[at : at + IFREQ_SIZE].tobytes() for at in range(0, used, IFREQ_SIZE))
    return [(record[:16].rstrip(b"\0").decode(), socket.inet_ntoa(record[20:24])) for record in records]


def ipv6_addresses(table: Path = Path("/proc/net/if_inet6")) -> list[str]:
    """Every IPv6 address that is not loopback, in brackets as upstream writes it."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return []
    found = (socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line.split()[0])) for line in lines)
    return [f"[{address}]" for address in found if address != "::1"]


def choose_address(ipv4: list[tuple[str, str]] | None = None, ipv6: list[str] | None = None) -> Choice:
    """The first IPv4 address that is neither loopback nor 192.168.*, else the last IPv4, else IPv6, else loopback."""
    outside = [(name, ip) for name, ip in (ipv4_interfaces() if ipv4 is None else ipv4) if not ip.startswith("127.")]
    for name, ip in outside:
        if not ip.startswith("192.168"):
            return _chosen(ip, f"first IPv4 address of this host that is not 192.168.*, on {name}", name)
    if outside:
        name, ip = outside[-1]
        return _chosen(ip, f"last IPv4 address of this host, on {name}; there are only 192.168.* ones", name)
    found = ipv6_addresses() if ipv6 is None else ipv6
    if found:
        return _chosen(found[0], "first IPv6 address of this host; it has no IPv4 one", "")
    return _chosen("127.0.0.1", "this host has no address but loopback", "lo")


def judge_address(address: str, reason: str) -> Choice:
    """The choice for an address that the operator gave."""
    interface = _interface_of(address)
    choice = _chosen(address, reason, interface)
    return replace(choice, is_foreign=is_ipv4(address) and not (interface or choice.warning))


def is_ipv4(text: str) -> bool:
    """Whether this is an address, not a name."""
    try:
        return bool(socket.inet_aton(text))
    except OSError:
        return False


def _interface_of(address: str) -> str:
    return next((name for name, ip in ipv4_interfaces() if ip == address), "")


def _chosen(address: str, reason: str, interface: str) -> Choice:
    if address == EVERY_ADDRESS:
        return Choice(address, reason, f"brokerIP1 {address} stands for every address, and leads nowhere; {REMEDY}")
    if address == "localhost" or address.startswith(("127.", "[::1]")):
        where = f"brokerIP1 {address} is a loopback address"
        return Choice(address, reason, f"{where}: only this host reaches it; {REMEDY}")
    if interface.startswith(CONTAINER_BRIDGES):
        where = f"brokerIP1 {address} is on the container bridge {interface}"
        return Choice(address, reason, f"{where}: other hosts do not reach it; {REMEDY}")
    if interface and is_containers_own(interface):
        where = f"brokerIP1 {address} is on {interface} of this container's own network"
        return Choice(address, reason, f"{where}: other hosts do not reach it; {REMEDY}")
    return Choice(address, reason)


def is_containers_own(interface: str, net: Path = Path("/sys/class/net")) -> bool:
    """Whether this is a container, and the interface one end of a pair whose other end is at its host's bridge."""
    if not any(mark.exists() for mark in CONTAINER_MARKS):
        return False
    try:
        return (net / interface / "iflink").read_text() != (net / interface / "ifindex").read_text()
    except OSError:
        return False
