"""The steps a plan is made of: a request, a pull that waits, a call that the broker passes on to a client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kit import wire
from kit.cluster import GET_BROKER_CLUSTER_INFO

from oracle.broker_scenarios import (
    GET_MAX_OFFSET,
    PULL_MESSAGE,
    SEND_MESSAGE,
    SUBSCRIPTION,
    SUSPEND,
    pull_ext,
    send_ext,
)
from oracle.lockstep import TAG, Recorder
from oracle.transcript import GET_ALL_TOPIC_CONFIG, SILENCE, Step, setting_names

GET_CONSUMER_CONNECTION_LIST, GET_PRODUCER_CONNECTION_LIST = 203, 204
STORED = (0, 10, 11, 12)
TABLES = {"topicConfigTable", "subscriptionGroupTable", "offsetTable", "topicList", "consumeStatsList"}
PATIENCE_S = 8.0
FOLLOWS_S = 10.0


@dataclass(frozen=True)
class Ask:
    """One request and its answer; `after` waits for what upstream does behind its answer."""

    code: int
    ext: dict[str, Any] | None = None
    body: bytes | str = b""
    via: str = "broker"             # a connection's name; that of the name server ends with `namesrv`
    is_read: bool = False           # asked again while the answers differ: it changes nothing
    after: After | None = None
    hide: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def take(self, side: Recorder, number: int) -> Step:
        if self.after:
            self.after.begin(side)
        peer = side.peer("namesrv" if self.via.endswith("namesrv") else "broker", side.out(self.via))
        try:
            answer = peer.ask(self.code, side.out(self.ext), side.out(self.body), **self.more)
        except TimeoutError:
            return SILENCE
        if self.code in (SEND_MESSAGE, 310, 320):
            side.stored[number] = answer
        plain = own(side.plain(answer, self.hide))
        return {**plain, "followed": self.after.end(side)} if self.after and answer.code in STORED else plain


class After:
    """What to wait for behind an answer; `end` says whether it came."""

    def begin(self, side: Recorder) -> None: ...
    def end(self, side: Recorder) -> bool: ...


@dataclass
class Arrives(After):
    """One more entry (or `count`) in a queue."""

    topic: str
    queue: int
    count: int = 1
    before: dict[str, int] = field(default_factory=dict, repr=False)

    def begin(self, side: Recorder) -> None:
        self.before[side.kind + side.word] = self.entries(side)

    def end(self, side: Recorder) -> bool:
        wanted = self.before[side.kind + side.word] + self.count
        return comes(lambda: self.entries(side) >= wanted)

    def entries(self, side: Recorder) -> int:
        answer = side.peer("broker").ask(GET_MAX_OFFSET, side.out({"topic": self.topic, "queueId": self.queue}))
        return int((answer.ext or {})["offset"])


@dataclass
class TopicIs(After):
    """The broker answers 17 before it makes the topic."""

    topic: str
    members: dict[str, Any]

    def end(self, side: Recorder) -> bool:
        def made() -> bool:
            table = side.peer("broker").ask(GET_ALL_TOPIC_CONFIG).json()["topicConfigTable"]
            found = table.get(side.out(self.topic), {})
            return all(found.get(key) == value for key, value in self.members.items())

        return comes(made)


def comes(there: Callable[[], bool]) -> bool:
    """Whether it is so within some time."""
    until = time.monotonic() + FOLLOWS_S
    while not there():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


@dataclass(frozen=True)
class HeldPull:
    """A pull that waits at the end of a queue, and the message that wakes it."""

    topic: str
    queue: int
    group: str
    is_read: bool = False
    code: int = PULL_MESSAGE

    def take(self, side: Recorder, number: int) -> Step:
        offset = Arrives(self.topic, self.queue).entries(side)
        held = pull_ext(self.topic, self.queue, offset, consumerGroup=self.group, sysFlag=SUSPEND | SUBSCRIPTION,
                        suspendTimeoutMillis=15_000)
        waiting = side.peer("broker", "waiting")
        waiting.tell(PULL_MESSAGE, side.out(held))
        time.sleep(0.1)     # whether it waits is not to be seen from here
        sent = side.peer("broker").ask(SEND_MESSAGE, side.out(send_ext(self.topic, self.queue)), "wakes")
        side.stored[number] = sent
        return {"sent": side.plain(sent, ()), "woken": side.plain(waiting.receive(), ())}


@dataclass(frozen=True)
class Called:
    """A request that the broker passes on to a client, which answers `code` with `body`; who is asked twice waits."""

    code: int
    ext: dict[str, Any]
    client: str
    asked: int                      # the code that the client hears
    answer: tuple[int, str | None, bytes] = (0, None, b"")
    is_read: bool = False

    def take(self, side: Recorder, number: int) -> Step:
        client = side.peer("broker", side.out(self.client))
        asker = side.peer("broker", "asker")
        opaque = asker.tell(self.code, side.out(self.ext))
        heard = self._heard(client, asker)
        if heard is not None:
            self._reply(client, heard)
        answer = asker.receive()
        return {"heard": None if heard is None else own(side.plain(heard, ())), "own": answer.opaque == opaque,
                **own(side.plain(answer, ()))}

    def _heard(self, client: wire.Peer, asker: wire.Peer) -> wire.Answer | None:
        """The call; None when the asker is answered without it, as where the client is not known."""
        found = next((each for each in client.unasked if each.code == self.asked), None)
        if found is not None:
            client.unasked.remove(found)
            return found
        while client.speaks_before(asker, PATIENCE_S):
            heard = client.receive()
            if heard.code == self.asked:
                return heard
            client.unasked.append(heard)
        return None

    def _reply(self, client: wire.Peer, heard: wire.Answer) -> None:
        if heard.flag & wire.ONEWAY:
            return
        code, remark, body = self.answer
        header = {"code": code, "flag": 1, "language": "GO", "opaque": heard.opaque, "version": 313,
                  "serializeTypeCurrentRPC": "JSON", "extFields": {"told": "by the client"}}
        if remark is not None:
            header["remark"] = remark
        client.send_raw(wire.frame(header, body))


@dataclass(frozen=True)
class Close:
    """A client's connection ends without a word; `known_by` are questions whose answers name it until the server has
    seen that, as `name`.
    """

    via: str
    name: str = ""
    known_by: tuple[tuple[int, dict[str, Any] | None], ...] = ()
    code: int = 0
    is_read: bool = False

    def take(self, side: Recorder, number: int) -> Step:
        side.forget_peer(side.out(self.via))
        time.sleep(0.1)     # what no answer tells of
        return {"seen": all(comes(lambda each=each: self._is_gone(side, *each)) for each in self.known_by)}

    def _is_gone(self, side: Recorder, code: int, ext: dict[str, Any] | None) -> bool:
        answer = side.peer("namesrv" if self.via.endswith("namesrv") else "broker").ask(code, side.out(ext))
        if code == GET_BROKER_CLUSTER_INFO and answer.code != 0:
            return False    # upstream's tables were being changed
        return side.out(self.name).encode() not in answer.body


@dataclass(frozen=True)
class Unasked:
    """What the connections heard of the server's own accord until now."""

    vias: tuple[str, ...]
    is_read: bool = True

    def take(self, side: Recorder, number: int) -> Step:
        return {via: self._heard(side, side.peer("broker", via)) for via in self.vias}

    def _heard(self, side: Recorder, peer: wire.Peer) -> list[Any]:
        peer.patience(0.02)
        try:
            while True:
                peer.unasked.append(peer.receive())
        except TimeoutError:
            peer.patience(PATIENCE_S)
        return sorted((own(side.plain(each, ())) for each in peer.unasked), key=json.dumps)


@dataclass(frozen=True)
class Names:
    """An answer of `key=value` lines or a table of figures, of which only the names can be the same."""

    code: int
    of: str = "broker"
    is_read: bool = True

    def take(self, side: Recorder, number: int) -> Step:
        answer = side.peer(self.of).ask(self.code)
        names = sorted(answer.json()["table"]) if answer.body.startswith(b"{") else setting_names(answer)
        return {"code": answer.code, "names": [name for name in names if "scheduleMessage" not in name]}



def own(step: Step) -> Step:
    """Without the table entries of other runs and of the server itself."""
    return {**step, "body": _own(step.get("body"))} if step.get("body") else step


def _own(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _entries(each) if key in TABLES else _own(each) for key, each in value.items()}
    return [_own(each) for each in value] if isinstance(value, list) else value


def _entries(table: Any) -> Any:
    if isinstance(table, dict):
        return {key: each for key, each in table.items() if TAG in key}
    return [each for each in table if TAG in str(each)]

