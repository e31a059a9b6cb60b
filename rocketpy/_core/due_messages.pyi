"""Puts delayed messages to their real queues, as store/schedule.py does, without Python objects."""

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.store_writer import StoreWriter

def put_due(
    writer: StoreWriter, queue: ConsumeQueue, offset: int, most: int, *, after_ms: int, until_ms: int
) -> int:
    """Put those that stand in a queue of SCHEDULE_TOPIC_XXXX from `offset` on, `most` at most, and are due later than
    `after_ms` and no later than `until_ms`, the store time they get; the queue offset behind the last one.

    It ends before the first message that is anything but plain: not in memory, damaged, odd properties, to a queue that
    nobody put to yet, refused.
    """
