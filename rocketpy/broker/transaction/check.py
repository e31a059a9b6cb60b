"""Asks producers, every transactionCheckInterval, about the half messages that are still open.

Progress stands in consumerOffset.json under CID_RMQ_SYS_TRANS, as upstream's. Invariant: it is committed after what it
passed was put elsewhere and is on disk, so that no crash loses a transaction; it may show one twice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from rocketpy._core.message import Message
from rocketpy.broker.clients import Channel
from rocketpy.broker.transaction.check_round import Limits, Round, Turn, cold_topic
from rocketpy.broker.transaction.messages import check_request
from rocketpy.broker.transaction.op_queue import OpQueue
from rocketpy.config.store import BrokerRole
from rocketpy.protocol import names, perm
from rocketpy.protocol.bodies import TopicConfig
from rocketpy.store.results import PutResult

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

log = logging.getLogger("RocketmqTransaction")

HOUR_MS = 3_600_000
SLOW_PEER_S = 1.0  # a round waits so long for a producer that does not read its questions as fast as they come
LOOK_AGAIN_S = 0.01
COMMIT_BYTES = 16 << 20  # of copies put back: as much is done twice after a crash in the middle of a round
GROUP = names.TRANSACTION_GROUP


class TransactionCheck:
    """The rounds of a master."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._ops: dict[int, OpQueue] = {}
        self._unheard: dict[str, int] = {}  # producer group -> half messages of this round that nobody was there to ask
        self._slow: set[Channel] = set()

    async def round(self) -> None:
        """One round over every queue of half messages; the first one makes their topic."""
        broker = self._broker
        if broker.store_config.broker_role is BrokerRole.SLAVE:
            return
        topic = self._make_topic(names.TRANS_HALF_TOPIC)
        for queue_id in range(topic.read_queue_nums):
            await self._check_queue(queue_id)
        await broker.offsets.persist_changes()

    async def _check_queue(self, queue_id: int) -> None:
        at = self._begin(queue_id)
        synced = self._broker.store.commit_log_max_offset
        try:
            while (turn := at.turn()) is not Turn.END:
                if turn is not Turn.MORE:
                    await self._bring_in(at, turn, queue_id)
                await self._let_others()
                if at.end_offset - synced > COMMIT_BYTES:
                    synced = await self._sync()
                    self._commit(at, queue_id)
            if at.end_offset:
                await self._sync()
        except OSError as error:
            log.error("the round ends, %s: %s", error.filename, error.strerror)
            return
        except asyncio.CancelledError:  # the broker stops; the store is brought to the disk before the offsets are
            self._finish(at, queue_id)
            raise
        self._finish(at, queue_id)

    async def _let_others(self) -> None:
        """The rest of the broker has its turn; producers that have much to read get time for it."""
        await asyncio.sleep(0)
        waited_s = 0.0
        while waited_s < SLOW_PEER_S and any(each.is_open and not each.is_writable for each in self._slow):
            await asyncio.sleep(LOOK_AGAIN_S)
            waited_s += LOOK_AGAIN_S
        self._slow.clear()

    def _begin(self, queue_id: int) -> Round:
        store = self._broker.store
        ops = self._ops.setdefault(queue_id, OpQueue(store, queue_id))
        at = Round(store, self._broker.clock, queue_id, self._limits(), ops, self._ask, self._make_topic)
        at.begin(self._progress(names.TRANS_HALF_TOPIC, queue_id), self._progress(names.TRANS_OP_HALF_TOPIC, queue_id))
        return at

    def _make_topic(self, name: str) -> TopicConfig:
        return self._broker.topics.create_in_send_back(name, 1, perm.READ | perm.WRITE, 0)

    def _limits(self) -> Limits:
        config = self._broker.config
        reserved_ms = self._broker.store_config.file_reserved_time * HOUR_MS
        return Limits(config.transaction_time_out, config.transaction_check_max, reserved_ms)

    def _progress(self, topic: str, queue_id: int) -> int:
        offset = self._broker.offsets.query(GROUP, topic, queue_id)
        return offset if offset >= 0 else self._broker.store.min_offset(topic, queue_id)

    async def _bring_in(self, at: Round, turn: Turn, queue_id: int) -> None:
        offset = at.at if turn is Turn.COLD_HALF else self._ops[queue_id].offset
        await self._broker.store.bring_in(cold_topic(turn), queue_id, offset)
        at.brought_in()

    async def _sync(self) -> int:
        end = self._broker.store.commit_log_max_offset
        await asyncio.get_running_loop().run_in_executor(None, self._broker.store.flusher.sync_now)
        return end

    def _commit(self, at: Round, queue_id: int) -> None:
        for topic, offset in (
            (names.TRANS_HALF_TOPIC, at.at),
            (names.TRANS_OP_HALF_TOPIC, self._ops[queue_id].used_up),
        ):
            if offset != self._progress(topic, queue_id):
                self._broker.offsets.commit(GROUP, topic, queue_id, offset)

    def _finish(self, at: Round, queue_id: int) -> None:
        self._commit(at, queue_id)
        self._ops[queue_id].passed(at.at)
        self._ops[queue_id].finish()
        for group, count in self._unheard.items():
            log.warning("no producer of group %s was there to be asked about %d half messages", group, count)
        self._unheard.clear()
        if at.did:
            did = ", ".join(f"{count} {what}" for what, count in at.did.items())
            log.info("half messages of queue %d checked up to %d: %s", queue_id, at.at, did)

    def _ask(self, copy: Message, placed: PutResult) -> None:
        group = copy.get_property(names.MessageConst.PRODUCER_GROUP) or ""
        connection = self._broker.producers.available(group)
        if connection is None:
            self._unheard[group] = self._unheard.get(group, 0) + 1
        else:
            connection.send(check_request(copy, placed))
            if not connection.is_writable:
                self._slow.add(connection)
