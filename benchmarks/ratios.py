"""Pairs of samples and what they say: the spread of each figure, of each ratio, and whether a target is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.load import Sample
from benchmarks.targets import Target, targets_of

# figure -> (heading, unit); the order of the report
FIGURES = {
    "rate": ("messages acknowledged", "/s"),
    "broker_cpu_us": ("broker CPU per message", "µs"),
    "p50_us": ("latency p50", "µs"),
    "p99_us": ("latency p99", "µs"),
    "p999_us": ("latency p99.9", "µs"),
    "refused": ("refused as busy", ""),
    "syncs_per_1000": ("fsyncs per 1,000 messages", ""),
    "other_p50_us": ("other client's latency p50", "µs"),
    "other_p99_us": ("other client's latency p99", "µs"),
    "other_p999_us": ("other client's latency p99.9", "µs"),
    "other_max_us": ("other client's longest wait", "µs"),
    "other_refused": ("other client refused as busy", ""),
    "listening_s": ("exec to listening", "s"),
    "serving_s": ("exec to serving", "s"),
    "check_s": ("exec to the summary", "s"),
    "anonymous_mb": ("RSS without file mappings", "MB"),
    "rss_mb": ("RSS", "MB"),
    "maps": ("memory mappings", ""),
    "disk_mb": ("store on disk", "MB"),
    "sent_rate": ("sent by Producer", "/s"),
    "consumed_rate": ("consumed by Consumer", "/s"),
    "send_rt_ms": ("Producer's mean round trip", "ms"),
    "consume_rt_ms": ("born to consumed, mean", "ms"),
}


@dataclass(frozen=True)
class Spread:
    """Least, middle and greatest of some values."""

    least: float
    middle: float
    greatest: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Of at least one value."""
        return cls(min(values), median(values), max(values))


@dataclass(frozen=True)
class Verdict:
    """A target and what was measured for it."""

    target: Target
    measured: Spread
    reached: bool


@dataclass(frozen=True)
class Row:
    """One figure of one case over all its pairs; without upstream there is no ratio."""

    case: str
    figure: str
    rocketpy: Spread | None
    upstream: Spread | None
    ratio: Spread | None
    verdicts: tuple[Verdict, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


Samples = dict[str, list[Sample]]  # make -> one sample a pair


def rows_of(case: str, samples: Samples) -> list[Row]:
    """All figures of a case, in the report's order."""
    present = {figure for taken in samples.values() for sample in taken for figure in sample}
    return [_row(case, figure, samples) for figure in FIGURES if figure in present]


def _row(case: str, figure: str, samples: Samples) -> Row:
    ours, theirs = ([sample[figure] for sample in samples.get(make, [])] for make in ("rocketpy", "upstream"))
    ratios = [a / b for a, b in zip(ours, theirs, strict=False) if b]
    rocketpy, upstream, ratio = (Spread.of(values) if values else None for values in (ours, theirs, ratios))
    return Row(case, figure, rocketpy, upstream, ratio, _verdicts(case, figure, rocketpy, ratio))


def _verdicts(case: str, figure: str, value: Spread | None, ratio: Spread | None) -> tuple[Verdict, ...]:
    judged = [(target, ratio if target.judged == "ratio" else value) for target in targets_of(case, figure)]
    return tuple(Verdict(target, spread, target.is_reached(spread.middle)) for target, spread in judged if spread)
