"""The cost of pulls that want one message of ten, as a group asks for them: a heartbeat says what it wants."""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.load import Load, Sample
from benchmarks.wire import GROUP, subscribed

SUB_VERSION = 1565000000123  # what the generator's pulls say they know
EXPRESSION = "lot > 8 AND TAGS IS NOT NULL"


def run_filtered(pull: Callable[[], Sample], load: Load, port: int) -> Sample:
    """`pull` drives the load, while a client of its group is connected."""
    wanted = {"topic": load.topic_name, "subString": EXPRESSION, "expressionType": "SQL92", "subVersion": SUB_VERSION}
    consumer = {
        "groupName": GROUP, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "unitMode": False,
        "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET",
        "subscriptionDataSet": [{**wanted, "classFilterMode": False, "tagsSet": [], "codeSet": []}],
    }  # fmt: skip
    beat = {"clientID": "bench", "producerDataSet": [], "consumerDataSet": [consumer] if load.filter == "sql" else []}
    with subscribed(port, json.dumps(beat).encode()):
        return pull()


def fill_of(load: Load, count: int) -> Load:
    """The sends that make what such a load pulls."""
    return Load("send", load.size, 8, 16, count, warm=0, topic=load.topic_name, lots=1)
