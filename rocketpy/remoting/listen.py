"""Taking a port, and telling who has it when it is taken.

`bind` reserves a port without accepting: a server binds before it touches its store, so that a second one started by
mistake stops before it does harm.
"""

import errno
import socket
from pathlib import Path

from rocketpy.errors import StartRefused

LISTEN = "0A"                   # state column of /proc/net/tcp


def bind(host: str, port: int, setting: str = "listenPort") -> socket.socket:
    """A socket bound to host and port (0: any). StartRefused naming the port, who has it and the remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Set while binding, so that a restart need not wait for old connections to fade; cleared while we only hold the
        # port, because Linux would let a second holder bind beside us; set again when listening (see `listening`).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError as error:
        sock.close()
        raise StartRefused(refusal(host, port, setting, error)) from None
    return sock


def listening(sock: socket.socket) -> socket.socket:
    """The bound socket, ready to listen: its accepted connections must not keep the next start from binding."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def refusal(host: str, port: int, setting: str, error: OSError) -> str:
    """One line: what is wrong with this address, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use{owner_text(port)}: stop it or set {setting} to another port"
    if error.errno == errno.EACCES:
        return f"port {port} may not be bound by this user: set {setting} above 1023 or run with the right to bind it"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"address {host} is not one of this machine: correct the address to listen on"
    return f"port {port} of {host} cannot be bound: {error.strerror or error}; check {setting}"


def owner_text(port: int) -> str:
    """` by pid 123 (java)`, or nothing when the owner cannot be seen."""
    inodes = listening_inodes(port)
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)) if inodes else ():
        if holds(process, inodes):
            return f" by pid {process.name} ({process_name(process)})"
    return ""


def listening_inodes(port: int) -> set[str]:
    """Socket inodes that hold this local TCP port and are not connections."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for columns in map(str.split, lines):
            if columns[1].endswith(f":{port:04X}") and columns[3] == LISTEN:
                found.add(f"socket:[{columns[9]}]")
    return found


def holds(process: Path, inodes: set[str]) -> bool:
    """Whether a process has one of these sockets open; false when we may not look."""
    try:
        return any(str(entry.readlink()) in inodes for entry in (process / "fd").iterdir())
    except OSError:
        return False


def process_name(process: Path) -> str:
    """What the process calls itself."""
    try:
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").split()
        return " ".join(words)[:60] or (process / "comm").read_text().strip()
    except OSError:
        return "unknown"
