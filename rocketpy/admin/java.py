"""How Java prints things: hash order, numbers with decimals, times of the local zone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from rocketpy.protocol.message_queue import MessageQueue

T = TypeVar("T")
SMALLEST_TABLE, LOAD = 16, 0.75


def string_hash(text: str) -> int:
    """String.hashCode, unsigned."""
    found = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        found = (31 * found + (units[at] << 8 | units[at + 1])) & 0xFFFFFFFF
    return found


def queue_hash(queue: MessageQueue) -> int:
    """MessageQueue.hashCode, unsigned."""
    found = 31 + string_hash(queue.broker_name)
    found = 31 * found + queue.queue_id
    return (31 * found + string_hash(queue.topic)) & 0xFFFFFFFF


def hash_order(items: Iterable[T], hashed: Callable[[T], int], size: int = SMALLEST_TABLE) -> list[T]:
    """Items in the order in which a HashMap or HashSet that they were put into gives them back; `size`: as made."""
    each = list(dict.fromkeys(items))
    while len(each) > size * LOAD:
        size *= 2

    def bucket(item: T) -> int:
        number = hashed(item)
        return (number ^ number >> 16) & (size - 1)

    return sorted(each, key=bucket)


def string_order(texts: Iterable[str], size: int = SMALLEST_TABLE) -> list[str]:
    """Strings as a HashSet gives them back."""
    return hash_order(texts, string_hash, size)


def decimals(value: float, digits: int) -> str:
    """`%.2f` of Java: halves go up, after the shortest decimal that means the double."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def local_time(millis: int, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """`yyyy-MM-dd HH:mm:ss` in the local zone; what no calendar has is shown as the number it is."""
    try:
        return time.strftime(pattern, time.localtime(millis // 1000))
    except (OverflowError, ValueError, OSError):
        return str(millis)


def local_time_ms(millis: int) -> str:
    """`yyyy-MM-dd HH:mm:ss,SSS` in the local zone."""
    return f"{local_time(millis)},{millis % 1000:03d}"


def boolean(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def message_queue_text(queue: MessageQueue) -> str:
    """MessageQueue.toString."""
    return f"MessageQueue [topic={queue.topic}, brokerName={queue.broker_name}, queueId={queue.queue_id}]"
