"""A random history for a broker's store, the same for the same seed: asked over the wire, and written down.

Sends of both codes, compressed and empty bodies, words of keys, properties in any order and script, batches, delays,
one-way sends, messages sent back to retry and dead letters, and offsets of a group.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence

from kit import wire

from oracle import broker_scenarios as codes
from oracle.broker_scenarios import batch_item, properties, send_ext, v2
from tests.replay import ONEWAY, Step

VALUES = ("v", "\u4e2d\u6587", "a b", "\U0001f680", "x" * 200, "")
QUEUES = 3


class Asker:
    """Asks a broker and writes down what it asked, and how many records that stored."""

    def __init__(self, peer: wire.Peer, chance: random.Random, topics: Sequence[str], group: str,
                 levels: Sequence[int], first: int = 0) -> None:
        """`levels`: of delayed messages; `first`: where the numbers in keys begin."""
        self.peer = peer
        self.chance = chance
        self.topics, self.group, self.levels, self.first = topics, group, levels, first
        self.asked: list[tuple[Step, int]] = []
        self.stored: list[int] = []

    def ask(self, code: int, ext: dict[str, object], body: bytes = b"", stores: int = 1, flag: int = 0) -> None:
        text = {name: wire.text(value) for name, value in ext.items() if value is not None}
        self.asked.append((Step(0, code, text, body.hex(), flag), stores))
        if flag & ONEWAY:
            self.peer.tell(code, text, body, flag=flag)
            return
        answer = self.peer.ask(code, text, body)
        assert answer.code == 0, answer
        for msg_id in (answer.ext or {}).get("msgId", "").split(","):
            if msg_id:
                self.stored.append(int(msg_id[16:], 16))

    # -- one of each kind

    def single(self, **more: str) -> None:
        topic, queue = self.place()
        body = self.body()
        sys_flag = self.chance.choice((0, 0, 1))
        ext = send_ext(topic, queue, sysFlag=sys_flag, flag=self.chance.randrange(-3, 9),
                       properties=properties(**self.pairs(), **more))
        compressed = zlib.compress(body, 5) if sys_flag else body
        if self.chance.random() < 0.5:
            self.ask(codes.SEND_MESSAGE, ext, compressed)
        else:
            self.ask(codes.SEND_MESSAGE_V2, v2(ext), compressed)

    def delayed(self) -> None:
        self.single(DELAY=str(self.chance.choice(self.levels)))

    def batch(self) -> None:
        topic, queue = self.place()
        count = self.chance.randrange(1, 6)
        items = b"".join(batch_item(self.body(600), properties(**self.pairs()), number) for number in range(count))
        self.ask(codes.SEND_BATCH_MESSAGE, v2(send_ext(topic, queue, batch=True, properties="")), items, count)

    def one_way(self) -> None:
        topic, queue = self.place()
        self.ask(codes.SEND_MESSAGE, send_ext(topic, queue, properties=properties(**self.pairs())), self.body(),
                 flag=ONEWAY)

    def send_back(self) -> None:
        if self.stored:
            self.back(self.chance.choice(self.stored))

    def back(self, offset: int, tries: int | None = None) -> None:
        tries = self.chance.choice((16, 16, 0)) if tries is None else tries
        self.ask(codes.CONSUMER_SEND_MSG_BACK, {
            "offset": offset, "group": self.group, "delayLevel": self.chance.choice((0, 1, 2, -1)), "originMsgId": "",
            "originTopic": self.topics[0], "unitMode": False, "maxReconsumeTimes": tries})

    def commit(self) -> None:
        topic, queue = self.place()
        self.ask(codes.UPDATE_CONSUMER_OFFSET, {
            "consumerGroup": self.group, "topic": topic, "queueId": queue, "commitOffset": self.chance.randrange(3)},
            stores=0)

    # -- what they are made of

    def place(self) -> tuple[str, int]:
        return self.chance.choice(self.topics), self.chance.randrange(QUEUES)

    def body(self, most: int = 1500) -> bytes:
        size = self.chance.choice((0, 1, 40, self.chance.randrange(most)))
        return (b"\x00\xff%d" % size * size)[:size]

    def pairs(self) -> dict[str, str]:
        number = self.first + len(self.asked)
        names = [*(f"own{each}" for each in range(self.chance.randrange(14))), "TAGS", "WAIT", "UNIQ_KEY", "KEYS"]
        values = {"TAGS": self.chance.choice("AB"), "WAIT": "true", "UNIQ_KEY": f"U{number:05}",
                  "KEYS": f"k{number} shared"}
        self.chance.shuffle(names)
        return {name: values.get(name) or self.chance.choice(VALUES) for name in names[self.chance.randrange(5):]}


def history(asker: Asker, count: int) -> None:
    kinds = (asker.single, asker.single, asker.delayed, asker.batch, asker.one_way, asker.send_back, asker.commit)
    for topic in asker.topics:
        asker.ask(codes.SEND_MESSAGE, send_ext(topic), b"makes the topic")
    for _ in range(count):
        asker.chance.choice(kinds)()
    # An answer behind the last one-way send, which is served in its turn.
    asker.single()
