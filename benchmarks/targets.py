"""What the figures must reach; the runner marks each as reached or missed and hides none.

A ratio is RocketPy's figure over upstream's of the same pair of runs; a value is RocketPy's figure alone. The median
over all pairs is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Target:
    """One promise about one figure of one case."""

    case: str
    figure: str
    judged: Literal["ratio", "value"]
    side: Literal["at most", "at least"]
    bound: float

    def is_reached(self, value: float) -> bool:
        """Whether `value` keeps the promise."""
        return value <= self.bound if self.side == "at most" else value >= self.bound


# No stall: some reads of a disk, and far from the 3 s after which a client gives up. The longest wait is judged, for a
# stall may be a single one.
LONGEST_WAIT_US = 50_000


def _ratio(case: str, figure: str, at_most: float) -> Target:
    return Target(case, figure, "ratio", "at most", at_most)


TARGETS = (
    _ratio("send-1k-8x16", "broker_cpu_us", 1 / 8),
    _ratio("send-1k-1x1", "broker_cpu_us", 1 / 4),
    _ratio("batch-128-8x4", "broker_cpu_us", 1 / 3),
    *(_ratio(f"pull-{size}-32", "broker_cpu_us", 1 / 2) for size in ("128", "1k", "4k")),
    *(_ratio(f"pull-{size}-1", "broker_cpu_us", 1 / 8) for size in ("128", "1k", "4k")),
    *(_ratio(f"pull-{kind}-filter", "broker_cpu_us", 1 / 3) for kind in ("tag", "sql")),
    *(
        _ratio(case, figure, 1 / 2)
        for case in ("send-1k-8x16", "send-1k-1x1", "batch-128-8x4")
        for figure in ("p50_us", "p99_us")
    ),
    *(Target(case, "refused", "value", "at most", 0) for case in ("send-1k-8x16", "send-1k-1x1", "batch-128-8x4")),
    _ratio("follow-1k", "p99_us", 1 / 2),
    _ratio("delayed-1k", "broker_cpu_us", 1 / 3),
    _ratio("transactions", "broker_cpu_us", 1 / 4),
    Target("sync-1k-64x4", "rate", "ratio", "at least", 10),
    Target("sync-1k-1x1", "rate", "ratio", "at least", 2),
    _ratio("start-namesrv", "listening_s", 1 / 2),
    _ratio("start-broker", "listening_s", 1 / 2),
    *(_ratio(f"recover-2g-{cache}", "serving_s", 1 / 3) for cache in ("warm", "cold")),
    Target("restart-8g", "serving_s", "value", "at most", 1),
    *(
        Target(f"queues-50k-{ended}", figure, "value", "at most", bound)
        for ended in ("stopped", "killed")
        for figure, bound in (("serving_s", 5), ("rss_mb", 400))  # all of RSS, pages of mapped files included
    ),
    *(
        target
        for case in ("cold-read-1", "cold-read-8")
        for target in (
            _ratio(case, "broker_cpu_us", 2 / 3),
            _ratio(case, "other_p999_us", 1),
            Target(case, "other_max_us", "value", "at most", LONGEST_WAIT_US),
        )
    ),
    Target("check-1g", "check_s", "value", "at most", 10),
    Target("check-1g", "anonymous_mb", "value", "at most", 200),  # constant: a fifth of the log, and of any log
    Target("idle-namesrv", "anonymous_mb", "value", "at most", 50),
    Target("idle-broker", "anonymous_mb", "value", "at most", 50),
)


def targets_of(case: str, figure: str) -> list[Target]:
    """The promises about one figure."""
    return [target for target in TARGETS if (target.case, target.figure) == (case, figure)]
