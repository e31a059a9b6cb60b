"""Asks one server and writes down each answer in a form that two servers can be compared by.

Masked, because they differ between any two runs: addresses (each host:port of the side becomes its role), times,
data versions, and the store host inside message ids (the physical offset in them is kept). Lists whose order is Java
hash order are sorted; settings that upstream does not have (OWN_SETTINGS) are left out. Everything else stands as it
came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from kit import wire
from kit.cluster import Cluster
from kit.process import wait_until

SILENCE = {"answer": "none"}
GET_MAX_OFFSET = 30
GET_ALL_TOPIC_CONFIG, GET_ROUTEINTO_BY_TOPIC = 21, 105
UNORDERED = {"topicList", "consumerIdList", "lockOKMQSet", "brokerDatas", "groupList", "connectionSet",
             "consumeStatsList"}
OWN_SETTINGS = {"aclStrictAdmin", "metricsBindAddress", "metricsPort", "metricsRowLimit"}  # off by default
TIMES = {"timestamp", "counter", "store_timestamp", "indexLastUpdateTimestamp"}

Step = dict[str, Any]


def setting_names(answer: wire.Answer) -> list[str]:
    """Names of the properties in a settings text: a property a line, in no fixed order."""
    names = {line.split("=")[0] for line in answer.body.decode().splitlines() if line}
    return sorted(names - OWN_SETTINGS)


@dataclass
class Side:
    """One server under question, with a connection to its broker and one to its name server."""

    cluster: Cluster
    transcript: dict[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._peers: dict[str, wire.Peer] = {}

    @property
    def kind(self) -> str:
        return self.cluster.kind

    def address(self, of: str) -> str:
        """Address of `broker`, its `vip` port, or the `namesrv`."""
        if of == "namesrv":
            return self.cluster.namesrv_addr
        port = self.cluster.a.port
        return f"127.0.0.1:{port - 2 if of == 'vip' else port}"

    def connect(self, to: str = "broker", name: str | None = None) -> wire.Peer:
        """A further connection, known by a name of its own; closed with the side."""
        peer = wire.Peer(self.address(to))
        self._peers[name or f"{to}{len(self._peers)}"] = peer
        return peer

    def peer(self, to: str, name: str | None = None) -> wire.Peer:
        """The connection of that name, opened when first asked for."""
        return self._peers.get(name or to) or self.connect(to, name or to)

    def forget_peer(self, name: str) -> None:
        """Close the connection of that name; the next use opens another."""
        if name in self._peers:
            self._peers.pop(name).close()

    def ask(self, step: str, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", *,
            to: str = "broker", via: wire.Peer | None = None, hide: tuple[str, ...] = (), **more: Any) -> wire.Answer:
        """Asks, writes the answer down under the step's name and gives it back."""
        assert step not in self.transcript, f"two steps are called {step}"
        answer = (via or self.peer(to)).ask(code, ext, body, **more)
        self.transcript[step] = self.plain(answer, hide)
        return answer

    def expect_silence(self, step: str, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", *,
                       to: str = "broker", wait_s: float = 1.0, **more: Any) -> None:
        """Asks on a connection of its own and waits a moment: an answer is written down, and silence too.

        The moment begins with the answer to another question, asked behind it: what stands still is not silent.
        """
        with wire.Peer(self.address(to)) as peer:
            opaque = peer.tell(code, ext, body, **more)
            if to == "namesrv":
                peer.ask(GET_ROUTEINTO_BY_TOPIC, {"topic": "nowhere"})
            else:
                peer.ask(GET_ALL_TOPIC_CONFIG)
            peer.patience(wait_s)
            try:
                self.transcript[step] = self.plain(peer.answer(opaque), ())
            except TimeoutError:
                self.transcript[step] = SILENCE

    def note(self, step: str, **facts: Any) -> None:
        self.transcript[step] = facts

    def heard(self, step: str, peer: wire.Peer, count: int) -> None:
        """Writes down what a server sent of its own accord: (code, ext) of each, and that no more came."""
        while len(peer.unasked) < count:
            peer.unasked.append(peer.receive())
        self.note(step, frames=[(each.code, each.flag, each.ext) for each in peer.unasked])
        peer.unasked.clear()

    def settle(self, topic: str, queue_id: int, count: int) -> None:
        """Until a queue has this many entries: upstream fills it some time after it has answered."""
        def there() -> bool:
            answer = self.peer("broker").ask(GET_MAX_OFFSET, {"topic": topic, "queueId": queue_id})
            return int((answer.ext or {})["offset"]) >= count

        wait_until(there, f"{count} entries in {topic} {queue_id}", 15)

    def until_found(self, code: int, ext: dict[str, Any]) -> None:
        """Until a query succeeds: the index lags behind the answer too."""
        wait_until(lambda: self.peer("broker").ask(code, ext).code == 0, f"{code} {ext} succeeds", 15)

    def close(self) -> None:
        for peer in self._peers.values():
            peer.close()
        self._peers.clear()
        if not self.cluster.brokers:  # invented ones were registered over these connections
            wait_until(lambda: not self.cluster.registered(), "the name server forgets what is gone", 10)

    def plain(self, answer: wire.Answer, hide: tuple[str, ...]) -> Step:
        """An answer as it is written down."""
        header = {key: value for key, value in answer.header.items() if key not in ("opaque", "extFields")}
        ext = None if answer.ext is None else {key: self._value(key, value, hide) for key, value in answer.ext.items()}
        return {**header, "remark": self._text(answer.remark), "ext": ext, "body": self._body(answer.body, hide)}

    def _body(self, body: bytes, hide: tuple[str, ...]) -> Any:
        if body[4:8] == b"\xda\xa3\x20\xa7":
            return [self._value("", asdict(record), hide) for record in wire.records(body)]
        if body[:1] in (b"{", b"["):
            return self._value("", wire.loads(body), hide)
        return self._text(body.decode()) if body else None

    def _value(self, key: str, value: Any, hide: tuple[str, ...]) -> Any:
        if key in hide or (key in TIMES and isinstance(value, int | str) and str(value) not in ("0", "-1")):
            return "<hidden>"
        if key == "clusterAddrTable":
            return {cluster: sorted(names) for cluster, names in value.items()}
        if isinstance(value, dict):
            return {self._text(str(each)): self._value(each, inner, hide) for each, inner in value.items()}
        if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str) and value[0] in hide:
            return [value[0], "<hidden>"]               # a property of a message
        if isinstance(value, list):
            plain = [self._value("", inner, hide) for inner in value]
            return sorted(plain, key=canonical) if key in UNORDERED else plain
        if isinstance(value, tuple):
            return [self._value("", inner, hide) for inner in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str | None) -> str | None:
        if text is None:
            return None
        text = re.sub(r"\b7F000001[0-9A-F]{24}\b", lambda hit: f"<id at {int(hit[0][16:], 16)}>", text)
        text = text.replace(self.cluster.namesrv_addr, "<namesrv>")
        for broker in self.cluster.brokers.values():
            text = text.replace(broker.address, "<broker>").replace(f"127.0.0.1:{broker.port + 1}", "<ha>")
        return re.sub(r"/?127\.0\.0\.1:\d+", "<client>", text)


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class Differs:
    """A difference made on purpose: why, and what exactly each side answers (remarks as patterns)."""

    why: str
    upstream: Step
    rocketpy: Step


def matches(stated: Step, answered: Step) -> bool:
    """The members stated are as stated; a remark may be stated as a pattern."""
    if stated == SILENCE or answered == SILENCE:
        return stated == answered
    remark = stated.get("remark")
    if remark and not re.fullmatch(remark, answered.get("remark") or "", re.DOTALL):
        return False
    return all(answered.get(key) == value for key, value in stated.items() if not (key == "remark" and value))


def compare(upstream: dict[str, Step], rocketpy: dict[str, Step], differences: dict[str, Differs]) -> list[str]:
    """Every step whose answers differ in a way that no entry of the table explains, one line each."""
    problems = []
    if list(upstream) != list(rocketpy):
        problems.append(f"steps differ: {list(upstream)} and {list(rocketpy)}")
    for step, theirs in upstream.items():
        ours = rocketpy.get(step, {})
        known = differences.get(step)
        if known is None:
            problems += [f"{step}: {key} is {theirs.get(key)!r} upstream, {ours.get(key)!r} here"
                         for key in sorted(theirs.keys() | ours.keys()) if theirs.get(key) != ours.get(key)]
        else:
            problems += explained(step, known, theirs, ours)
    return problems


def explained(step: str, known: Differs, theirs: Step, ours: Step) -> list[str]:
    """A stated difference must be just as stated, on both sides, and nothing more."""
    problems = []
    if not matches(known.upstream, theirs):
        problems.append(f"{step}: upstream is stated as {known.upstream}, but answered {theirs}")
    if not matches(known.rocketpy, ours):
        problems.append(f"{step}: rocketpy is stated as {known.rocketpy}, but answered {ours}")
    if SILENCE not in (theirs, ours):
        stated = known.upstream.keys() | known.rocketpy.keys()
        problems += [f"{step}: {key} is {theirs.get(key)!r} upstream, {ours.get(key)!r} here, and not stated"
                     for key in sorted((theirs.keys() | ours.keys()) - stated) if theirs.get(key) != ours.get(key)]
    return problems


Scenario = Callable[[Side], None]
