"""Makes random plans for a name server: brokers that come, change and go, routes, KV values and settings.

Invariant: the same seed and length give the same plan; nothing of it depends on an answer.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from kit.cluster import GET_BROKER_CLUSTER_INFO

from oracle.lockstep import TAG, Packed
from oracle.namesrv_scenarios import body_of, compressed, topic, who
from oracle.steps import Ask, Close, Names

BROKERS = tuple(f"{TAG}-{letter}" for letter in "abc")
TOPICS = tuple(f"{TAG}_t{number}" for number in range(5))
CLUSTERS = (f"{TAG}C1", f"{TAG}C2")
KEYS = ("k1", "k2")


class NamesrvPlan:
    """A plan in the making."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.steps: list[Any] = []

    def make(self, length: int) -> list[Any]:
        """The plan, each verb once at least."""
        verbs, weights = list(VERBS), list(VERBS.values())
        for verb in ["register", *self.random.sample(verbs, len(verbs))]:
            getattr(self, verb)()
        while len(self.steps) < length:
            getattr(self, self.random.choices(verbs, weights)[0])()
        for number in range(len(BROKERS) * 2):      # what goes with a connection goes before the next run
            self.steps.append(self.close(number))
        return self.steps

    def add(self, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", **more: Any) -> None:
        more.setdefault("via", "namesrv")
        if self.random.random() < 0.1:
            more["more"] = {"binary": True, **more.get("more", {})}
        self.steps.append(Ask(code, ext, body, **more))

    def read(self, code: int, ext: dict[str, Any] | None = None) -> None:
        self.add(code, ext, is_read=True)

    def via(self, number: int) -> str:
        """The connection of a broker: master and slave of each name have their own."""
        return f"{TAG}{number} namesrv"

    def broker(self) -> tuple[int, dict[str, Any]]:
        number = self.random.randrange(len(BROKERS) * 2)
        name, slave = BROKERS[number // 2], number % 2
        return number, who(name, number + 1, slave, CLUSTERS[number // 4])

    def version(self) -> dict[str, int]:
        return {"timestamp": 1_700_000_000_000, "counter": self.random.randrange(3)}

    def register(self) -> None:
        number, ext = self.broker()
        pick = self.random.choice
        topics = [topic(name, readQueueNums=pick((4, 8)), perm=pick((6, 4, 2)), topicSysFlag=pick((0, 1, 2, 3)))
                  for name in self.random.sample(TOPICS, self.random.randrange(4))]
        packed = self.random.random() < 0.2
        body = compressed(*topics, version=self.version()) if packed else body_of(
            *topics, version=self.version(), filters=pick(([], [], ["10.9.8.1:7"])))
        kind = self.random.random()
        if kind < 0.05:
            body = b""
        # A compressed body holds names by length: it is not one in which a word can be replaced.
        if packed and body:
            ext["compressed"] = True
            body = Packed(body)
        else:
            ext["bodyCrc32"] = 5 if 0.05 <= kind < 0.1 else 0
        self.add(103, ext, body, via=self.via(number))

    def ask_version(self) -> None:
        _, ext = self.broker()
        self.add(322, ext, json.dumps(self.version()))

    def unregister(self) -> None:
        _, ext = self.broker()
        self.add(104, {key: value for key, value in ext.items() if key != "haServerAddr"})

    def vanish(self) -> None:
        self.steps.append(self.close(self.random.randrange(len(BROKERS) * 2)))

    def close(self, number: int) -> Close:
        address = str(who("", number + 1)["brokerAddr"])
        return Close(self.via(number), f'"{address}"', ((GET_BROKER_CLUSTER_INFO, None),))

    def route(self) -> None:
        self.read(105, {"topic": self.random.choice((*TOPICS, f"{TAG}_none"))})

    def cluster(self) -> None:
        self.read(106)

    def wipe(self) -> None:
        self.add(205, {"brokerName": self.random.choice((*BROKERS, f"{TAG}-x"))})

    def lists(self) -> None:
        self.read(self.random.choice((206, 311, 312, 313)))

    def of_cluster(self) -> None:
        self.read(224, {"cluster": self.random.choice((*CLUSTERS, "none"))})

    def system_topics(self) -> None:
        self.add(304, hide=("brokerAddr",), is_read=True)

    def delete_topic(self) -> None:
        self.add(216, {"topic": self.random.choice(TOPICS)})

    def place(self) -> dict[str, str]:
        return {"namespace": self.random.choice((f"{TAG}n1", f"{TAG}n2")), "key": self.random.choice(KEYS)}

    def put(self) -> None:
        self.add(100, {**self.place(), "value": self.random.choice(("v", "\u4e2d \"q\"", ""))})

    def get(self) -> None:
        self.read(101, self.place())

    def delete(self) -> None:
        self.add(102, self.place())

    def list_values(self) -> None:
        self.read(219, {"namespace": self.place()["namespace"]})

    def setting(self) -> None:
        self.add(318, body=f"orderMessageEnable={self.random.choice(('true', 'false'))}\n")

    def settings(self) -> None:
        self.steps.append(Names(319, "namesrv"))


VERBS: dict[str, int] = {
    "register": 30, "ask_version": 8, "unregister": 6, "vanish": 4, "route": 30, "cluster": 8, "wipe": 3, "lists": 8,
    "of_cluster": 4, "system_topics": 2, "delete_topic": 4, "put": 6, "get": 6, "delete": 4, "list_values": 4,
    "setting": 1, "settings": 1,
}
