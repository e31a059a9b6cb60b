"""What went in and out, and how long it took: counters, their windows and rates; nothing here decides anything."""

from rocketpy.stats.latency import Distribution, distribution
from rocketpy.stats.log_lines import TICK_MS, StatsLog
from rocketpy.stats.rates import Rates, StoreCounts
from rocketpy.stats.traffic import SAMPLE_MS, Snapshot, Span, Stats

__all__ = [
    "SAMPLE_MS",
    "TICK_MS",
    "Distribution",
    "Rates",
    "Snapshot",
    "Span",
    "Stats",
    "StatsLog",
    "StoreCounts",
    "distribution",
]
