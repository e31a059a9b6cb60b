"""A store changes hands with transactions open: who opens it next asks about them, and each ends once.

The first broker takes half messages, some of them settled, and checks seldom; the second asks about the open ones, in
the middle of which it is left; the third goes on. Producers and consumers are official Java clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.clients import Session
from kit.cluster import Cluster
from kit.handover import Handover, wait_ended
from kit.process import wait_until

from tests.store_files import config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
TOPIC, PRODUCERS, CONSUMERS = "exchange-tx", "PG_exchange_tx", "CG_exchange_tx"
HALF_ROW = "RMQ_SYS_TRANS_HALF_TOPIC@CID_RMQ_SYS_TRANS"
SELDOM = {"transactionCheckInterval": 3_600_000, "transactionTimeOut": 500}
# An answer that comes behind the next round leaves a copy open, which is asked about again.
OFTEN = {"transactionCheckInterval": 4000, "transactionTimeOut": 500, "transactionCheckMax": 1000}
SMALL_FILES: dict[str, object] = {
    "mappedFileSizeCommitLog": 16 * 1024, "mappedFileSizeConsumeQueue": 400, "maxHashSlotNum": 50, "maxIndexNum": 60,
    "defaultTopicQueueNums": 2,
}
MESSAGES = 24
COMMITTED, ROLLED_BACK, OPEN = (set(range(first, MESSAGES, 3)) for first in range(3))
STILL_OPEN = {index for index in OPEN if index % 2 == 1}
PATIENCE_S = 40


@pytest.fixture
def handover(launcher, tmp_path: Path) -> Iterator[Handover]:
    given = Handover(tmp_path, launcher, SMALL_FILES)
    yield given
    given.close()


def producer(open_session, java, cluster: Cluster, **options: object) -> Session:
    given = {"topic": TOPIC, "group": PRODUCERS, "local": "commit,rollback,unknown", **options}
    session: Session = open_session(java, cluster, "transact", **given)
    return session


def progress(store: Path) -> int:
    """How far the checks have come, as the file says."""
    row = config(store).get("consumerOffset", {}).get("offsetTable", {}).get(HALF_ROW, {})
    return int(row.get("0", 0))


@pytest.mark.parametrize(("direction", "how"), [("there", "stop"), ("back", "kill")])
def test_open_transactions_change_hands_and_end_once(
    handover: Handover, compared: tuple[str, str], open_session, java, direction: str, how: str
):
    kinds = compared if direction == "there" else (compared[1], compared[0])
    first = handover.start(kinds[0], **SELDOM)
    sent = producer(open_session, java, first, count=MESSAGES).finish()
    assert sum(event["event"] == "sent" and event["status"] == "SEND_OK" for event in sent) == MESSAGES
    wait_ended(first, len(COMMITTED | ROLLED_BACK))
    left = handover.leave(how)

    second = handover.start(kinds[1], **OFTEN)
    asked = producer(open_session, java, second, count=0, check="commit,unknown", stay="true")
    asked.wait(lambda: set(asked.indexes("checked")) == OPEN, "each open one is asked about", PATIENCE_S)
    wait_until(lambda: progress(handover.store) >= MESSAGES, "the progress on disk", PATIENCE_S, every_s=0.2)
    consumer = open_session(java, second, "consume", topic=TOPIC, group=CONSUMERS)
    ended = COMMITTED | OPEN - STILL_OPEN
    consumer.wait(lambda: set(consumer.indexes("consumed")) == ended, "the committed", PATIENCE_S)
    asked.stop()
    seen = Counter(event["index"] for event in consumer.stop() if event["event"] == "consumed")
    assert handover.leave(how)[: len(left)] == left

    third = handover.start(kinds[0], **OFTEN)
    last = producer(open_session, java, third, count=0, check="rollback,commit", stay="true")
    last.wait(lambda: set(last.indexes("checked")) >= STILL_OPEN, "what is open still", PATIENCE_S)
    assert set(last.indexes("checked")) == STILL_OPEN
    assert all(int(event["times"]) > 1 for event in last.of("checked"))
    consumer = open_session(java, third, "consume", topic=TOPIC, group=CONSUMERS)
    consumer.wait(lambda: set(consumer.indexes("consumed")) >= STILL_OPEN, "the last of them", PATIENCE_S)
    last.stop()
    seen += Counter(event["index"] for event in consumer.stop() if event["event"] == "consumed")
    assert set(seen) == COMMITTED | OPEN
    assert not set(seen) & ROLLED_BACK
    handover.leave("stop")
