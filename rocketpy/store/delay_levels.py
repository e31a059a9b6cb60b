"""The delays of messageDelayLevel, and what a delayed message looks like while it waits."""

SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX"
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def delays_ms(levels: str) -> list[int]:
    """`1s 5s 2h` as milliseconds, level 1 first; ValueError for what is no such list."""
    return [int(level[:-1]) * UNIT_MS[level[-1]] for level in levels.split()]
