"""Looks at what stands beside the messages: checkpoint, abort, lock, config, queueEnds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rocketpy.errors import ProtocolError
from rocketpy.protocol import fastjson
from rocketpy.store.checkpoint import FILE_SIZE, LAYOUT
from rocketpy.store.delay_levels import SCHEDULE_TOPIC
from rocketpy.store.paths import CONFIG_FILES, StorePaths
from rocketpy.store.queue_ends import NAME as QUEUE_ENDS
from rocketpy.store.queue_ends import read_ends
from rocketpy.store_tool.report import Report
from rocketpy.store_tool.texts import when

SLACK_MS = 60_000               # a checkpoint may be that much ahead of the last record: the clock was set back
TIMES = ("of the commit log", "of the consume queues", "of the index")

# (topic, queue id) -> queue offset behind the last message; None: there is no such queue
EndOf = Callable[[str, int], int | None]


def check_checkpoint(report: Report, path: Path, latest_ms: int, live: bool) -> None:
    """4096 bytes with three times, none far behind the last store time."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        report.note(f"{path} does not exist: a start looks at the whole log")
        return
    if len(data) != FILE_SIZE:
        report.add("checkpoint-size", path, 0, f"has {len(data)} bytes, {FILE_SIZE} are right")
    if len(data) < LAYOUT.size:
        return
    for place, (name, time_ms) in enumerate(zip(TIMES, LAYOUT.unpack_from(data), strict=True)):
        if time_ms < 0 or (latest_ms and time_ms > latest_ms + SLACK_MS and not live):
            told = f"the time {name} is {when(time_ms)}, the last message was stored at {when(latest_ms)}"
            report.add("checkpoint-time", path, 8 * place, told)
    if any(data[LAYOUT.size :]):
        first = next(at for at in range(LAYOUT.size, len(data)) if data[at])
        report.add("checkpoint-rest", path, first, "is not zero behind the three times")


def check_config(report: Report, paths: StorePaths, end_of: EndOf, live: bool) -> dict[str, Any]:
    """Every config file and its .bak; what they say of queues is compared. The states by name."""
    states: dict[str, Any] = {}
    for name in CONFIG_FILES:
        path = paths.config_file(name)
        state = read_state(report, path, live)
        bak = read_state(report, path.with_name(path.name + ".bak"), live)
        states[name] = state if state is not None else bak
    check_offsets(report, paths.config_file("consumerOffset"), states["consumerOffset"], end_of)
    check_delays(report, paths.config_file("delayOffset"), states["delayOffset"], end_of)
    return states


def read_state(report: Report, path: Path, live: bool) -> Any:
    """The object in a file; None when there is none or it is damaged, which is told."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if not data:
        report.note(f"{path} is empty: its .bak counts")
        return None
    try:
        return fastjson.loads(data.decode())
    except (ProtocolError, UnicodeDecodeError) as error:
        report.add("config-damaged", path, getattr(error, "start", 0), f"is no JSON: {error}")
        return None


def table(state: Any, name: str) -> Mapping[Any, Any]:
    """A member that is a mapping; an empty one for anything else."""
    found = state.get(name) if isinstance(state, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def check_offsets(report: Report, path: Path, state: Any, end_of: EndOf) -> None:
    """No group has consumed more than its queues have."""
    for name, offsets in table(state, "offsetTable").items():
        topic, _, group = str(name).rpartition("@")
        if not isinstance(offsets, Mapping):
            report.add("config-garbled", path, 0, f"{name} has no offsets")
            continue
        for queue_id, offset in offsets.items():
            end = end_of(topic, int(queue_id))
            if end is not None and isinstance(offset, int) and offset > end:
                told = f"group {group} is at {offset} of queue {queue_id} of {topic}, which ends at {end}"
                report.add("offset-beyond", path, 0, told)


def check_delays(report: Report, path: Path, state: Any, end_of: EndOf) -> None:
    """No delay level has delivered more than waited in its queue."""
    for level, offset in table(state, "offsetTable").items():
        end = end_of(SCHEDULE_TOPIC, int(level) - 1) or 0
        if isinstance(offset, int) and offset > end:
            report.add("delay-beyond", path, 0, f"delay level {level} is at {offset}, its queue ends at {end}")


def check_queue_ends(report: Report, root: Path, end_of: EndOf, log_end: int) -> None:
    """RocketPy's own file. What became shorter is noted: messages that are lacking are found in the log."""
    path = root / QUEUE_ENDS
    try:
        ends = read_ends(path)
    except FileNotFoundError:
        return
    except ValueError:
        report.add("queue-ends-garbled", path, 0, "is garbled: a start compares the queues with the whole log")
        return
    if ends.log > log_end:
        report.note(f"{path}: the log had come to {ends.log}, it ends at {log_end}")
    for topic, queue_id, _, entries in ends.queues:
        there = end_of(topic, queue_id) or 0
        if there < entries:
            report.note(f"{path}: queue {queue_id} of {topic} had {entries} entries, its messages end at {there}")
