"""Messages a client makes: properties by their RocketMQ names, unique ids, compression of large bodies."""

from __future__ import annotations

import itertools
import os
import random
import socket
import time
import zlib

from rocketpy._core.message import Message

COMPRESS_OVER_BYTES = 4096
COMPRESS_LEVEL = 5
COMPRESSED = 1  # sys flag

_counter = itertools.count(random.randrange(0x8000))
_salt = random.getrandbits(32)


def new_message(
    topic: str,
    body: bytes,
    *,
    tags: str | None = None,
    keys: str | None = None,
    delay_level: int = 0,
    wait: bool = True,
    properties: dict[str, str] | None = None,
) -> Message:
    """A message to send. `keys` are separated by blanks; `wait=False` asks not to wait for disk and slave."""
    named = {"TAGS": tags, "KEYS": keys, "DELAY": str(delay_level) if delay_level else None}
    given = {name: text for name, text in named.items() if text is not None}
    return Message(topic, body, properties={**(properties or {}), **given, "WAIT": "true" if wait else "false"})


def unique_id() -> str:
    """32 hex digits in the layout of UNIQ_KEY: address, process, salt, milliseconds, counter."""
    pid, now_ms = os.getpid() & 0xFFFF, int(time.time() * 1000) & 0xFFFFFFFF
    return f"{_address()}{pid:04X}{_salt:08X}{now_ms:08X}{next(_counter) & 0xFFFF:04X}"


def _address() -> str:
    try:
        return socket.inet_aton(socket.gethostbyname(socket.gethostname())).hex().upper()
    except OSError:
        return "7F000001"


def with_unique_id(message: Message) -> Message:
    """A copy that has a unique id."""
    ready: Message = message.copy()
    if "UNIQ_KEY" not in ready.properties:
        ready.put_property("UNIQ_KEY", unique_id())
    return ready


def ready_to_send(message: Message) -> Message:
    """A copy with its unique id, and its body compressed when that is worth it."""
    ready = with_unique_id(message)
    if len(ready.body) > COMPRESS_OVER_BYTES and not ready.sys_flag & COMPRESSED:
        ready.body = zlib.compress(ready.body, COMPRESS_LEVEL)
        ready.sys_flag |= COMPRESSED
    return ready
