"""What may be put, and where it goes: decided from the message alone.

Refused is what would make later messages unreachable: names that lead out of their folder or are too long for a record.
"""

import logging
import re
import socket
import struct

from rocketpy._core.message import Message
from rocketpy.store.delay_levels import SCHEDULE_TOPIC
from rocketpy.store.paths import is_folder_name
from rocketpy.store.property_order import encode_in_map_order
from rocketpy.store.results import PutMessageStatus

log = logging.getLogger("RocketmqStore")

MAX_TOPIC_BYTES = 127
MAX_PROPERTIES_BYTES = 32767
INTEGER = re.compile(r"[+-]?[0-9]+")
MAX_INTEGER = 2**31 - 1
TRANSACTION_MASK = 12
TRANSACTION_NONE = 0
TRANSACTION_COMMIT = 8


def refusal(message: Message) -> PutMessageStatus | None:
    """Why the message cannot be stored, or None."""
    if not is_topic(message.topic) or message.queue_id < 0:
        log.warning("a message to topic %r, queue %d is refused: no such names", message.topic, message.queue_id)
        return PutMessageStatus.MESSAGE_ILLEGAL
    if len(message.properties_raw) > MAX_PROPERTIES_BYTES:
        log.warning("a message to %s is refused: %d bytes of properties", message.topic, len(message.properties_raw))
        return PutMessageStatus.PROPERTIES_SIZE_EXCEEDED
    return None


def batch_refusal(message: Message, max_message_size: int) -> PutMessageStatus | None:
    """Why the batch cannot be stored, or None."""
    refused = refusal(message)
    if refused is not None:
        return refused
    if delay_level(message) > 0 or message.sys_flag & TRANSACTION_MASK or len(message.body) > max_message_size:
        log.warning("a batch to %s is refused: transaction, delay or more than maxMessageSize", message.topic)
        return PutMessageStatus.MESSAGE_ILLEGAL
    return None


def is_topic(name: str) -> bool:
    """Can it be a folder's name, and does its length fit in a record?"""
    try:
        return is_folder_name(name) and len(name.encode()) <= MAX_TOPIC_BYTES
    except UnicodeEncodeError:
        return False


def destination(message: Message, max_delay_level: int) -> tuple[str, int, bytes]:
    """Topic, queue and properties to store: those of the message, or of the schedule topic for a delayed one."""
    asked = delay_level(message)
    level = min(asked, max_delay_level)
    if level <= 0 or message.sys_flag & TRANSACTION_MASK not in (TRANSACTION_NONE, TRANSACTION_COMMIT):
        return message.topic, message.queue_id, message.properties_raw
    real = {"REAL_TOPIC": message.topic, "REAL_QID": str(message.queue_id)}
    clamped = {"DELAY": str(level)} if level < asked else {}
    return SCHEDULE_TOPIC, level - 1, encode_in_map_order({**message.properties, **clamped, **real})


def delay_level(message: Message) -> int:
    """Value of DELAY; 0 when absent or no number."""
    return delay_of(message.get_property("DELAY")) or 0


def delay_of(text: str | None) -> int | None:
    """A value of DELAY as Integer.parseInt reads it; 0 for None, and None for what it refuses."""
    if text is None:
        return 0
    level = int(text) if INTEGER.fullmatch(text) else None
    return level if level is not None and abs(level) <= MAX_INTEGER else None


def host_bytes(host: tuple[str, int]) -> bytes:
    """IPv4 and port as a record holds them."""
    return socket.inet_aton(host[0]) + struct.pack(">i", host[1])
