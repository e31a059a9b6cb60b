"""What went in and out, and how long it took: counters, their windows and rates; nothing here decides anything."""

from rocketpy.stats.latency import Distribution, distribution
from rocketpy.stats.traffic import SAMPLE_MS, Meter, Stats

__all__ = ["SAMPLE_MS", "Distribution", "Meter", "Stats", "distribution"]
