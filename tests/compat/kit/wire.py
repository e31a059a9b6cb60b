"""A second, independent speaker of the wire: frames by hand, blocking sockets, no code shared with rocketpy.

It exists to ask both servers the same question and to see every field of the answer.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ONEWAY = 2
JAVA_4_5_2 = 317


@dataclass
class Answer:
    """One frame as it came, header members by name."""

    code: int
    opaque: int
    flag: int
    remark: str | None
    ext: dict[str, str] | None
    body: bytes
    header: dict[str, Any] = field(repr=False)

    def json(self) -> Any:
        return loads(self.body)


class Peer:
    """One connection; `ask` waits for the answer with the request's opaque, other frames are kept in `unasked`."""

    _opaques = itertools.count(1)

    def __init__(self, address: str, timeout_s: float = 8.0, source: tuple[str, int] | None = None,
                 tls: ssl.SSLContext | None = None) -> None:
        """`source` is this side's host and port where a test wants to give them; they are free again after `close`."""
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout_s, source)
        if source:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._socket = tls.wrap_socket(self._socket)
        self.unasked: list[Answer] = []

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    @property
    def address(self) -> str:
        return "{}:{}".format(*self._socket.getsockname())

    def patience(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)

    def tell(self, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", flag: int = 0,
             binary: bool = False, **members: Any) -> int:
        """Sends a request and returns its opaque."""
        opaque = next(self._opaques)
        header = {"code": code, "flag": flag, "language": "JAVA", "opaque": opaque,
                  "serializeTypeCurrentRPC": "ROCKETMQ" if binary else "JSON", "version": JAVA_4_5_2, **members}
        if ext is not None:
            header["extFields"] = {key: text(value) for key, value in ext.items() if value is not None}
        self.send_raw(frame(header, body.encode() if isinstance(body, str) else body, binary))
        return opaque

    def ask(self, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", **more: Any) -> Answer:
        return self.answer(self.tell(code, ext, body, **more))

    def answer(self, opaque: int) -> Answer:
        """The answer to an earlier request, waited for."""
        for known in self.unasked:
            if known.opaque == opaque and known.flag & 1:
                self.unasked.remove(known)
                return known
        while True:
            answer = self.receive()
            if answer.opaque == opaque and answer.flag & 1:
                return answer
            self.unasked.append(answer)

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> Answer:
        size = struct.unpack(">i", self._exactly(4))[0]
        return parse(self._exactly(size))

    def is_closed_by_peer(self) -> bool:
        """True when the other side ends the connection without a byte."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def has_something(self, within_s: float = 0.0) -> bool:
        """Whether there is something to read now, or comes within a time."""
        return bool(select.select([self._socket], [], [], within_s)[0])

    def speaks_before(self, other: Peer, timeout_s: float) -> bool:
        """Whether this side has something to read before the other has; TimeoutError when neither has in time."""
        ready, _, _ = select.select([self._socket, other._socket], [], [], timeout_s)
        if not ready:
            raise TimeoutError
        return self._socket in ready

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("closed by the other side")
            data += piece
        return bytes(data)


def ask_from(prefix: list[str], address: str, code: int, ext: dict[str, Any] | None = None, body: str = "") -> bytes:
    """The body of an answer, asked for by a program started with `prefix` (in another network namespace)."""
    question = f"wire.Peer({address!r}).ask({code}, {ext!r}, {body!r})"
    program = f"import sys; from kit import wire; sys.stdout.buffer.write({question}.body)"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    try:
        return subprocess.run([*prefix, sys.executable, "-c", program], env=env, capture_output=True, timeout=60,
                              check=True).stdout
    except subprocess.CalledProcessError as failure:
        raise ConnectionError(failure.stderr.decode(errors="replace")[-400:]) from None


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


LANGUAGES = ["JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS"]


def frame(header: dict[str, Any], body: bytes, binary: bool = False) -> bytes:
    head = binary_header(header) if binary else json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return struct.pack(">ii", 4 + len(head) + len(body), (1 if binary else 0) << 24 | len(head)) + head + body


def binary_header(header: dict[str, Any]) -> bytes:
    ext = b"".join(
        struct.pack(">h", len(key.encode())) + key.encode() + struct.pack(">i", len(value.encode())) + value.encode()
        for key, value in (header.get("extFields") or {}).items()
    )
    remark = (header.get("remark") or "").encode()
    numbers = (header["code"], LANGUAGES.index(header["language"]), header["version"], header["opaque"], header["flag"])
    return b"".join([struct.pack(">hBhii", *numbers), struct.pack(">i", len(remark)), remark,
                     struct.pack(">i", len(ext)), ext])


def parse(data: bytes) -> Answer:
    kind_and_size = struct.unpack_from(">i", data)[0]
    kind, size = kind_and_size >> 24, kind_and_size & 0xFFFFFF
    if kind != 0:
        raise ValueError("the servers here answer in JSON")
    header = json.loads(data[4:4 + size])
    return Answer(header["code"], header["opaque"], header["flag"], header.get("remark"), header.get("extFields"),
                  data[4 + size:], header)


def loads(body: bytes) -> Any:
    """fastjson's dialect: unquoted integer keys; object keys become their canonical text."""
    plain = re.sub(r"([{,])(-?\d+):", r'\1"\2":', body.decode())
    plain = re.sub(r"([{,])(\{[^{}]*\}):", lambda hit: hit[1] + json.dumps(canonical(hit[2])) + ":", plain)
    return json.loads(plain)


def canonical(key: str) -> str:
    return json.dumps(json.loads(key), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Record:
    """One commit log record of a pull or view answer (docs/formats.md), every field."""

    size: int
    magic: int
    body_crc: int
    queue_id: int
    flag: int
    queue_offset: int
    physical_offset: int
    sys_flag: int
    born_timestamp: int
    born_host: str
    store_timestamp: int
    store_host: str
    reconsume_times: int
    prepared_transaction_offset: int
    body: bytes
    topic: str
    properties: tuple[tuple[str, str], ...]


def records(data: bytes) -> list[Record]:
    found = []
    at = 0
    while at < len(data):
        size = struct.unpack_from(">i", data, at)[0]
        found.append(record(data[at:at + size]))
        at += size
    return found


def record(data: bytes) -> Record:
    fixed = struct.unpack_from(">iiiiiqqiq4siq4siiq", data)
    at = struct.calcsize(">iiiiiqqiq4siq4siiq")
    body_size = struct.unpack_from(">i", data, at)[0]
    body = data[at + 4:at + 4 + body_size]
    at += 4 + body_size
    topic_size = data[at]
    topic = data[at + 1:at + 1 + topic_size].decode()
    at += 1 + topic_size
    properties_size = struct.unpack_from(">h", data, at)[0]
    properties = data[at + 2:at + 2 + properties_size].decode()
    assert zlib.crc32(body) & 0x7FFFFFFF == fixed[2]
    pairs = sorted(tuple(pair.split("\x01", 1)) for pair in properties.split("\x02") if pair)
    return Record(
        *fixed[:9], host(fixed[9], fixed[10]), fixed[11], host(fixed[12], fixed[13]), fixed[14], fixed[15],
        body, topic, tuple(pairs),  # type: ignore[arg-type]
    )


def host(address: bytes, port: int) -> str:
    return f"{socket.inet_ntoa(address)}:{port}"
