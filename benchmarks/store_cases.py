"""The table of what is measured on a filled store: `--store` takes them all.

Cases of one fill share their stores. Bodies are sent in batches of 32, which fill a store fast and leave the same
records as single sends do.
"""

from __future__ import annotations

from benchmarks.cases import Case
from benchmarks.load import Load
from benchmarks.stores import Fill

FILL_MS = 300_000  # no fill may take longer
GIB = 1 << 30
BODY = 900  # with its properties a record of about 1,060 B: two million of them fill two files of 1 GiB
RECORD = 1_060


def _fill(topic: str, count: int, queues: int, size: int = BODY) -> Load:
    return Load("batch", size, 4, 4, count, warm=0, topic=topic, queues=queues, duration_ms=FILL_MS)


def _single(topic: str, topics: int, queues: int) -> Load:
    """A message for each queue."""
    return Load("send", 128, 4, 16, topics * queues, 0, 32, topic, FILL_MS, queues=queues, topics=topics)


def _pull(topic: str, connections: int, count: int) -> Load:
    """Nearly all of a topic, once: the last messages of each queue are left out, so that no cursor begins again."""
    return Load("pull", BODY, connections, 1, count * 95 // 100, 0, topic=topic, queues=connections, duration_ms=90_000)


# No checkpoint before the kill, however long the fill takes: both makes have the whole log to recover.
NO_CHECKPOINT = (("flushConsumeQueueThoroughInterval", "3600000"),)
RECOVER = Fill("recover-2g", (_fill("Recover", 2_000_000, 8),), settings=NO_CHECKPOINT)
RESTART = Fill("restart-8g", (_fill("Restart", 8 * GIB // RECORD, 1_000),))
QUEUES = Fill("queues-50k", (_single("Queues", 50, 1_000),))
COLD_COUNT = 1_500_000
OTHER = Load("send", 1024, 1, 64, 10**9, 100, 32, "Other", 120_000, queues=4, rate=500)  # beside a cold read
COLD = Fill("cold-read", (
    _fill("ColdOne", COLD_COUNT, 1),
    _fill("ColdEight", COLD_COUNT, 8),
    _fill(OTHER.topic_name, 1_100_000, 4),  # the newest file holds nothing of what is to be cold
), least_scale=1.0)  # fmt: skip
CHECK = Fill("check-1g", (_fill("Check", GIB // RECORD, 8),))


def store_cases() -> list[Case]:
    """Every case on a filled store, in the order of the report."""
    again = "exec to serving after kill -9, 2 GiB of log, 2,000,000 messages"
    queues = "exec to serving and memory, 50,000 queues with a message each"
    cold = "pulls of 32 from a log that is not in the page cache, while another client sends 500/s"
    return [
        Case("recover-2g-warm", "restart", f"{again}, in the page cache", fill=RECOVER, crashes=True, cache="warm",
             starts=3),
        Case("recover-2g-cold", "restart", f"{again}, page cache dropped", fill=RECOVER, crashes=True, cache="cold",
             starts=3),
        Case("restart-8g", "restart", "exec to serving after a clean stop, 8 GiB of log, 1,000 queues", fill=RESTART,
             starts=3),
        Case("queues-50k-stopped", "restart", f"{queues}, after a clean stop", fill=QUEUES),
        Case("queues-50k-killed", "restart", f"{queues}, after kill -9", fill=QUEUES, crashes=True),
        Case("cold-read-1", "cold-read", f"{cold}; 1 connection", _pull("ColdOne", 1, COLD_COUNT), fill=COLD),
        Case("cold-read-8", "cold-read", f"{cold}; 8 connections", _pull("ColdEight", 8, COLD_COUNT), fill=COLD),
        Case("check-1g", "check", "rocketpy-store check of a log of 1 GiB", fill=CHECK),
    ]  # fmt: skip
