"""Makes random plans for a broker: valid requests of every code, about a few topics, groups and clients.

Invariant: the same seed and length give the same plan; nothing of it depends on an answer, but for places in the log.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from random import Random
from typing import Any

from oracle import broker_scenarios as ask
from oracle.broker_scenarios import COMMIT, SUBSCRIPTION, batch_item, properties, pull_ext, send_ext, v2
from oracle.lockstep import TAG, At, MsgId, QueueAt
from oracle.steps import (
    GET_CONSUMER_CONNECTION_LIST,
    GET_PRODUCER_CONNECTION_LIST,
    Arrives,
    Ask,
    Called,
    Close,
    HeldPull,
    Names,
    TopicIs,
    Unasked,
)
from oracle.tool_scenarios import topic_ext

FOUR, ONE, READ, WRITE, MULTI = (f"{TAG}_{name}" for name in ("four", "one", "read", "write", "multi"))
AUTO, UNIT, NONE = (f"{TAG}_{name}" for name in ("auto", "unit", "none"))
MADE = {FOUR: {}, ONE: {"readQueueNums": 1, "writeQueueNums": 1}, READ: {"perm": 4}, WRITE: {"perm": 2},
        MULTI: {"topicFilterType": "MULTI_TAG"}}
# Topics of the broker's own that upstream does not list before its first check: it removes their queues with any topic.
HALVES = {name: {"readQueueNums": 1, "writeQueueNums": 1}
          for name in ("RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC")}
SENT_TO = (FOUR, FOUR, ONE, ONE, READ, WRITE, MULTI, AUTO, UNIT)
GROUPS = tuple(f"{TAG}_g{number}" for number in range(3))
CLIENTS = tuple(f"c{number}" for number in range(3))
TAGS = ("A", "B", "Aa", "BB", None)
EXPRESSIONS = ("*", "A", "Aa", "A || B", " B||", "nothing", "", None)
KEYS = ("k0", "k1", "k2", "k0 k1")
OFFSETS = (-1, 0, 0, 0, 1, 2, 3, 5, 8, 1000)
AT_ONCE = 1     # the delay level that waits for nothing


class BrokerPlan:
    """A plan in the making."""

    def __init__(self, seed: int, served: Collection[int]) -> None:
        self.random = Random(seed)
        self.steps: list[Any] = []
        self.stored: list[int] = []     # steps that stored a message
        self.halves: list[int] = []     # steps that stored a half message
        self.version = 0                # of subscriptions
        self.weights = {verb: weight for verb, weight, codes in VERBS if set(codes) <= set(served)}

    def make(self, length: int) -> list[Any]:
        """The plan: topics first, what the clients heard last."""
        for name, members in {**MADE, **HALVES}.items():
            self.create_topic(name, **members)
        verbs, weights = list(self.weights), list(self.weights.values())
        for verb in self.random.sample(verbs, len(verbs)):      # each once at least
            getattr(self, verb)()
        while len(self.steps) < length:
            getattr(self, self.random.choices(verbs, weights)[0])()
        self.steps.append(Unasked(CLIENTS))
        return self.steps

    def add(self, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", **more: Any) -> None:
        if self.random.random() < 0.1:
            more["more"] = {"binary": True}
        self.steps.append(Ask(code, ext, body, **more))

    def read(self, code: int, ext: dict[str, Any] | None = None, body: bytes | str = b"", **more: Any) -> None:
        self.add(code, ext, body, is_read=True, **more)

    # -- sends

    def properties(self) -> str:
        pick = self.random.choice
        pairs = {"TAGS": pick(TAGS), "KEYS": pick((None, *KEYS)), "UNIQ_KEY": pick((None, f"{TAG}U{len(self.steps)}")),
                 "WAIT": pick((None, "true", "false")), "color": pick((None, "red", "\u4e2d"))}
        return properties(**{key: value for key, value in pairs.items() if value is not None})

    def send_to(self, topic: str, queue: int, **more: Any) -> dict[str, Any]:
        pick = self.random.choice
        return send_ext(topic, queue, **{
            "properties": pick((self.properties(), self.properties(), "", None)), "flag": pick((0, 7, -1)),
            "sysFlag": pick((0, 0, 1)), "reconsumeTimes": pick((None, 0, 2)), "unitMode": topic == UNIT,
            "defaultTopicQueueNums": 4, **more})

    def send(self) -> None:
        pick = self.random.choice
        topic = pick(SENT_TO)
        queue = pick((0, 0, 0, 1, 1, 2, 3, 4, 99)) if topic != ONE else pick((0, 0, -1, 1))
        ext = self.send_to(topic, queue)
        body = pick((b"", b"x", b"hello " + str(len(self.steps)).encode(), b"y" * 3000, b"\0\xff" * 5000))
        self.put(ext, body, Arrives(topic, max(0, queue)))

    def put(self, ext: dict[str, Any], body: bytes, after: Arrives | None) -> None:
        self.stored.append(len(self.steps))
        letters = self.random.random() < 0.7
        self.add(310 if letters else 10, v2(ext) if letters else ext, body, after=after)

    def send_nowhere(self) -> None:
        topic, default = self.random.choice(((NONE, f"{TAG}_no_default"), (NONE, FOUR), ("TBW102", "TBW102")))
        self.put(self.send_to(topic, 0, defaultTopic=default), b"x", None)

    def send_delayed(self) -> None:
        level = self.random.choice((str(AT_ONCE), "0", "x", "-3"))
        ext = self.send_to(FOUR, 1, properties=properties(DELAY=level, KEYS="late", TAGS="A"))
        self.put(ext, b"late", Arrives(FOUR, 1))

    def send_to_retry(self) -> None:
        group = self.random.choice(GROUPS)
        times = self.random.choice((0, 1, 3))
        ext = self.send_to(f"%RETRY%{group}", 0, reconsumeTimes=times, maxReconsumeTimes=3, properties="")
        self.put(ext, b"again", Arrives(f"%DLQ%{group}" if times == 3 else f"%RETRY%{group}", 0))

    def send_too_much(self) -> None:
        ext = self.send_to(FOUR, 0)
        kind = self.random.choice(("body", "properties", "name"))
        if kind == "body":
            return self.put(ext, b"x" * (4 << 20), None)
        longer = {"properties": "k\x01" + "v" * 32_768 + "\x02"} if kind == "properties" else {"topic": TAG + "t" * 122}
        return self.put({**ext, **longer}, b"x", None)

    def send_batch(self) -> None:
        count = self.random.randrange(1, 5)
        items = b"".join(batch_item(b"b%d" % number, self.random.choice(("", properties(TAGS="A", KEYS="k0"))), number)
                         for number in range(count))
        topic = self.random.choice((FOUR, ONE, AUTO, f"%RETRY%{GROUPS[0]}"))
        ext = send_ext(topic, 0, batch=True, properties="", unitMode=False)
        self.stored.append(len(self.steps))
        self.add(320, v2(ext), items, after=Arrives(topic, 0, count))

    def send_back(self) -> None:
        group, level = self.random.choice(GROUPS), self.random.choice((AT_ONCE, AT_ONCE, -1))
        tries = self.random.choice((16, 16, 0))
        dead = level < 0 or tries == 0
        queue = f"%DLQ%{group}" if dead else f"%RETRY%{group}"
        known = bool(self.stored) and self.random.random() < 0.9
        ext = {"offset": At(self.random.choice(self.stored)) if known else 2**40, "group": group, "delayLevel": level,
               "originMsgId": "ORIGIN", "originTopic": FOUR, "unitMode": False, "maxReconsumeTimes": tries}
        self.add(36, ext, after=Arrives(queue, 0))

    # -- pulls and offsets

    def pull(self) -> None:
        pick = self.random.choice
        group, topic = pick(GROUPS), pick((*SENT_TO, NONE, f"%RETRY%{pick(GROUPS)}", f"%DLQ%{pick(GROUPS)}"))
        flag = pick((SUBSCRIPTION, SUBSCRIPTION, SUBSCRIPTION | COMMIT, COMMIT, 0))
        queue = pick((0, 0, 0, 1, 1, 2, 3, 4, -1))
        self.add(11, pull_ext(
            topic, queue, pick(OFFSETS), consumerGroup=group, sysFlag=flag, commitOffset=pick((0, 1, 3)),
            maxMsgNums=pick((32, 32, 1, 2, 0, -1)), subscription=pick(EXPRESSIONS),
            expressionType=pick((None, None, "TAG")), subVersion=pick((0, self.version, self.version + 1)),
        ))

    def pull_held(self) -> None:
        self.stored.append(len(self.steps))
        self.steps.append(HeldPull(FOUR, self.random.randrange(4), self.random.choice(GROUPS)))

    def place(self) -> dict[str, Any]:
        topic = self.random.choice((*SENT_TO, NONE, f"%RETRY%{GROUPS[0]}"))
        return {"topic": topic, "queueId": self.random.choice((0, 0, 1, 3, 7))}

    def offsets(self) -> None:
        self.read(14, {"consumerGroup": self.random.choice(GROUPS), **self.place()})

    def commit(self) -> None:
        offset = self.random.choice((0, 1, 2, 5, 1000))
        self.add(15, {"consumerGroup": self.random.choice(GROUPS), **self.place(), "commitOffset": offset})

    def queue_ends(self) -> None:
        code = self.random.choice((30, 31, 32))
        self.read(code, self.place())

    def by_time(self) -> None:
        self.read(29, {**self.place(), "timestamp": self.random.choice((0, 1, 2**52, -1))})

    def query(self) -> None:
        pick = self.random.choice
        ext = {"topic": pick((FOUR, ONE, AUTO, NONE)), "key": pick(("k0", "k1", "late", "other")),
               "maxNum": pick((32, 32, 1, 3, 0)), "beginTimestamp": 0, "endTimestamp": pick((2**62, 2**62, 1000))}
        if self.random.random() < 0.3:
            ext |= {"key": f"{TAG}U{pick(self.stored or [0])}", "_UNIQUE_KEY_QUERY": "true"}
        self.read(12, ext)

    def view(self) -> None:
        known = bool(self.stored) and self.random.random() < 0.9
        self.read(33, {"offset": At(self.random.choice(self.stored)) if known else self.random.choice((2**40, -5))})

    # -- clients

    def beat(self) -> None:
        number = self.random.randrange(len(CLIENTS))
        self.version += self.random.choice((0, 0, 1))
        group = self.random.choice(GROUPS)
        topics = self.random.sample((FOUR, ONE, AUTO), self.random.randrange(1, 4))
        subscriptions = {topic: (self.random.choice(("*", "A", "A || B")), self.version) for topic in topics}
        model = self.random.choice(("CLUSTERING", "CLUSTERING", "CLUSTERING", "BROADCASTING"))
        more = {"messageModel": model, "unitMode": self.random.random() < 0.2}
        text = ask.beat(f"{TAG}@{number}", group, subscriptions, **more).replace("PG_oracle", f"{TAG}_pg")
        self.add(34, body=text, via=CLIENTS[number])

    def leave(self) -> None:
        number = self.random.randrange(len(CLIENTS))
        ext = {"clientID": f"{TAG}@{number}", "consumerGroup": self.random.choice((*GROUPS, None)),
               "producerGroup": self.random.choice((f"{TAG}_pg", None))}
        self.add(35, ext, via=CLIENTS[number])

    def vanish(self) -> None:
        via = self.random.choice(CLIENTS)
        known_by = (*((GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group}) for group in (*GROUPS, f"{TAG}_g3")),
                    (GET_PRODUCER_CONNECTION_LIST, {"producerGroup": f"{TAG}_pg"}))
        self.steps += [Unasked((via,)), Close(via, f'"{TAG}@{CLIENTS.index(via)}"', known_by)]

    def vanish_producer(self) -> None:
        """The only producer of its group."""
        group, via = f"{TAG}_lonely", "lonely"
        body = json.dumps({"clientID": "p", "producerDataSet": [{"groupName": group}], "consumerDataSet": []})
        self.steps += [Ask(34, body=body, via=via), Ask(204, {"producerGroup": group}, is_read=True), Close(via),
                       Ask(204, {"producerGroup": group}, is_read=True)]

    def members(self) -> None:
        code = self.random.choice((38, 203, 204))
        group = f"{TAG}_pg" if code == 204 and self.random.random() < 0.7 else self.random.choice(GROUPS)
        self.read(code, {"producerGroup" if code == 204 else "consumerGroup": group})

    def check_client(self) -> None:
        kind = self.random.choice(("TAG", None))
        subscription = {"topic": FOUR, "subString": "A", "subVersion": 1, **({"expressionType": kind} if kind else {})}
        self.read(46, body=json.dumps({"clientId": "c", "group": GROUPS[0], "subscriptionData": subscription}))

    def lock(self) -> None:
        rows = [{"topic": FOUR, "brokerName": "broker-a", "queueId": self.random.randrange(4)} for _ in range(2)]
        client = f"{TAG}@{self.random.randrange(len(CLIENTS))}"
        body = json.dumps({"consumerGroup": self.random.choice(GROUPS), "clientId": client, "mqSet": rows})
        self.add(self.random.choice((41, 41, 42)), body=body)

    # -- tools

    def create_topic(self, name: str = "", **members: Any) -> None:
        pick = self.random.choice
        name = name or pick((FOUR, MULTI, f"{TAG}_new"))
        more = members or {"perm": pick((6, 6, 4, 2, 7)), "readQueueNums": pick((4, 5))}
        ext = topic_ext(name, **{"writeQueueNums": 4, "readQueueNums": 4, **more})
        wanted = {key: ext[key] for key in ("perm", "readQueueNums", "writeQueueNums", "topicFilterType")}
        self.add(17, ext, after=TopicIs(name, wanted))
        if name == FOUR and not members:    # not for long
            self.create_topic(FOUR, readQueueNums=4)

    def delete_topic(self) -> None:
        self.add(215, {"topic": self.random.choice((MULTI, AUTO, f"{TAG}_new", NONE))})

    def topics(self) -> None:
        self.read(self.random.choice((21, 305)))

    def topic_facts(self) -> None:
        code = self.random.choice((202, 300))
        self.read(code, {"topic": self.random.choice((FOUR, ONE, AUTO, NONE))})

    def create_group(self) -> None:
        pick = self.random.choice
        members = {"groupName": pick((GROUPS[2], f"{TAG}_g3")), "consumeEnable": pick((True, True, False)),
                   "consumeBroadcastEnable": pick((True, False)), "retryMaxTimes": pick((16, 1)),
                   "notifyConsumerIdsChangedEnable": pick((True, False))}
        self.add(200, body=json.dumps(members))

    def delete_group(self) -> None:
        self.add(207, {"groupName": self.random.choice((GROUPS[2], f"{TAG}_g3", f"{TAG}_gx"))})

    def groups(self) -> None:
        self.read(self.random.choice((201, 43)))

    def progress(self) -> None:
        self.read(208, {"consumerGroup": self.random.choice(GROUPS), "topic": self.random.choice((None, FOUR, NONE))})

    def figures(self) -> None:
        self.steps.append(Names(self.random.choice((26, 28))))

    def delay_offsets(self) -> None:
        self.read(45, hide=("offsetTable",))

    # -- calls to clients, and what tools do to groups

    def client_call(self) -> None:
        number, group = self.random.randrange(len(CLIENTS)), self.random.choice(GROUPS)
        ext = {"consumerGroup": group, "clientId": f"{TAG}@{number}", "jstackEnable": self.random.choice((True, False))}
        answer = self.random.choice(((0, None, b'{"properties":{}}'), (1, "no", b"")))
        self.steps.append(Called(307, ext, CLIENTS[number], 307, answer))

    def consume_directly(self) -> None:
        number, group = self.random.randrange(len(CLIENTS)), self.random.choice(GROUPS)
        ext = {"consumerGroup": group, "clientId": f"{TAG}@{number}",
               "msgId": MsgId(self.random.choice(self.stored or [0]))}
        self.steps.append(Called(309, ext, CLIENTS[number], 309, (0, None, b'{"order":false}')))

    def reset_offsets(self) -> None:
        ext = {"topic": self.random.choice((FOUR, ONE, NONE)), "group": self.random.choice(GROUPS),
               "timestamp": self.random.choice((-1, 0)), "isForce": self.random.choice((True, False))}
        self.add(222, ext)

    def consumer_status(self) -> None:
        number = self.random.randrange(len(CLIENTS))
        ext = {"topic": FOUR, "group": self.random.choice(GROUPS), "clientAddr": f"{TAG}@{number}"}
        self.steps.append(Called(223, ext, CLIENTS[number], 221, (0, None, b'{"messageQueueTable":{}}')))

    def time_span(self) -> None:
        self.read(303, {"topic": self.random.choice((FOUR, NONE)), "group": self.random.choice(GROUPS)})

    def correction(self) -> None:
        # With filterGroups upstream forgets the offsets of these groups: the two would not be in one state any more.
        self.read(308, {"topic": self.random.choice((FOUR, NONE)), "compareGroup": self.random.choice(GROUPS)})

    def clone_offsets(self) -> None:
        # Without a topic upstream clones nothing.
        ext = {"srcGroup": self.random.choice(GROUPS), "destGroup": f"{TAG}_g3", "topic": FOUR,
               "offline": self.random.choice((True, False))}
        self.add(314, ext)

    def all_progress(self) -> None:
        self.read(317, {"isOrder": self.random.choice((True, False))})

    def queue_entries(self) -> None:
        count = self.random.choice((1, 10))
        self.put(send_ext(FOUR, 0, properties=""), b"entry", Arrives(FOUR, 0))
        self.read(321, {"topic": FOUR, "queueId": 0, "index": 0, "count": count})
        never = {"topic": f"{TAG}_never", "queueId": 0}
        self.read(30, never)
        self.read(321, {**never, "index": 0, "count": count})
        self.read(321, {**self.place(), "index": 9, "count": count, "consumerGroup": self.random.choice(GROUPS)})

    def broker_stats(self) -> None:
        name = self.random.choice(("TOPIC_PUT_NUMS", "GROUP_GET_SIZE", "NO_SUCH"))
        self.read(315, {"statsName": name, "statsKey": self.random.choice((NONE, f"{NONE}@{GROUPS[0]}"))})

    def clean(self) -> None:
        self.add(self.random.choice((306, 316)))

    def filter_server(self) -> None:
        self.add(301, {"filterServerAddr": "10.9.8.7:1"}, via="filters")

    def setting(self) -> None:
        self.add(25, body="notifyConsumerIdsChangedEnable=true\n")

    def accounts(self) -> None:
        """Without aclEnable there are none to change."""
        code, ext = self.random.choice((
            (50, {"accessKey": "SomeAccessKey", "secretKey": "SomeSecret"}), (51, {"accessKey": "SomeAccessKey"}),
            (53, {"globalWhiteAddrs": "10.9.8.*"}),
        ))
        self.add(code, ext)

    # -- transactions

    def transaction(self) -> None:
        queue, number = self.random.randrange(4), len(self.steps)
        pairs = properties(TRAN_MSG="true", PGROUP=f"{TAG}_pg", UNIQ_KEY=f"{TAG}U{number}", KEYS="k0")
        ext = send_ext(FOUR, queue, properties=pairs, sysFlag=4)
        self.halves.append(number)
        self.put(ext, b"half", Arrives("RMQ_SYS_TRANS_HALF_TOPIC", 0))
        kind = self.random.choice((0, 8, 8, 12))
        wrong = self.random.random()
        end = {"producerGroup": f"{TAG}_other" if wrong < 0.1 else f"{TAG}_pg", "commitLogOffset": At(number),
               "tranStateTableOffset": 9999 if 0.1 <= wrong < 0.2 else QueueAt(number), "commitOrRollback": kind,
               "fromTransactionCheck": self.random.choice((True, False)), "msgId": "M",
               "transactionId": f"{TAG}U{number}"}
        # 0 asks for nothing and is answered with nothing.
        done = Arrives(FOUR, queue) if kind == 8 else Arrives("RMQ_SYS_TRANS_OP_HALF_TOPIC", 0)
        self.add(37, end, after=done) if kind else None

    def check_again(self) -> None:
        """Only of half messages: upstream makes one of any other message."""
        of = self.random.choice(self.halves) if self.halves and self.random.random() < 0.8 else -1
        self.add(323, {"msgId": MsgId(of)}, after=Arrives("RMQ_SYS_TRANS_HALF_TOPIC", 0))


# What a plan may ask: the verb, how often, and the codes it needs the broker to serve.
VERBS: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    ("send", 30, (10, 310)),
    ("send_nowhere", 2, (10, 310)),
    ("send_delayed", 1, (10, 310)),
    ("send_to_retry", 2, (10, 310)),
    ("send_too_much", 1, (10, 310)),
    ("send_batch", 5, (320,)),
    ("send_back", 3, (36,)),
    ("pull", 30, (11,)),
    ("pull_held", 2, (11,)),
    ("offsets", 6, (14,)),
    ("commit", 6, (15,)),
    ("queue_ends", 5, (30, 31, 32)),
    ("by_time", 3, (29,)),
    ("query", 5, (12,)),
    ("view", 3, (33,)),
    ("beat", 10, (34,)),
    ("leave", 3, (35,)),
    ("vanish", 1, (34,)),
    ("vanish_producer", 1, (34, 204)),
    ("members", 6, (38, 203, 204)),
    ("check_client", 2, (46,)),
    ("lock", 5, (41, 42)),
    ("create_topic", 3, (17,)),
    ("delete_topic", 1, (215,)),
    ("topics", 2, (21, 305)),
    ("topic_facts", 4, (202, 300)),
    ("create_group", 3, (200,)),
    ("delete_group", 1, (207,)),
    ("groups", 3, (201, 43)),
    ("progress", 4, (208,)),
    ("figures", 1, (26, 28)),
    ("delay_offsets", 1, (45,)),
    ("client_call", 2, (307,)),
    ("consume_directly", 2, (309,)),
    ("reset_offsets", 2, (222,)),
    ("consumer_status", 2, (223,)),
    ("time_span", 2, (303,)),
    ("correction", 2, (308,)),
    ("clone_offsets", 2, (314,)),
    ("all_progress", 2, (317,)),
    ("queue_entries", 2, (321,)),
    ("broker_stats", 1, (315,)),
    ("clean", 1, (306, 316)),
    ("filter_server", 1, (301,)),
    ("setting", 1, (25,)),
    ("accounts", 3, (50, 51, 53)),
    ("transaction", 3, (37,)),
    ("check_again", 1, (323,)),
)
