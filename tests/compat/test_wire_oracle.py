"""Both servers are asked the same raw requests: every field of every answer is the same, or a table says why not.

What is masked stands in oracle/transcript.py; one broker and one name server a side, both sides fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.cluster import Cluster
from oracle import broker_scenarios, consumer_scenarios, namesrv_scenarios, stats_scenarios, tool_scenarios
from oracle.transcript import SILENCE, Differs, Scenario, Side, compare

NULL = r"(java\.lang\.NullPointerException|com\.alibaba\.fastjson\.JSONException).*"
SILENT = "an unknown code is answered at once instead of letting the caller time out"
NAMED = "a missing or unreadable header field is named instead of becoming a null that may or may not be met later"
BODY = "a missing or unreadable body is named instead of becoming a null pointer"

PATHS = "names from the wire become folders: only what official clients let pass is taken (CVE-2019-17572)"
AFAR = "paths and ports are not for anyone on the network to change (CVE-2023-37582)"
REGION = {"MSG_REGION": "DefaultRegion", "TRACE_ON": "true"}
FINE: dict[str, object] = {"code": 0, "remark": None}


def unknown(code: int) -> Differs:
    return Differs(SILENT, SILENCE, {"code": 3, "remark": f" request type {code} not supported.*"})


def field(name: str, upstream: dict[str, object] | None = None) -> Differs:
    """A header field is missing: a null pointer upstream, or what it made of the null."""
    null = {"code": 1, "remark": NULL, "ext": None}
    return Differs(NAMED, upstream or null, {"code": 1, "remark": rf".*\b{name}\b.*"})


def path(of: str, stored: bool = True) -> Differs:
    """A name with characters that no official client lets pass."""
    upstream = {**FINE, "ext": {"queueId": "0", "queueOffset": "<hidden>", "msgId": "<hidden>", **REGION}}
    return Differs(PATHS, upstream if stored else FINE,
                   {"code": 1, "remark": f"the {of} .* has characters other than letters, digits, _ - % .*",
                    **({"ext": REGION} if stored else {})})


def body() -> Differs:
    return Differs(BODY, {"code": 1, "remark": NULL}, {"code": 1, "remark": ".*body.*"})


DECODE = ".*RemotingCommandException: Failed to decode RegisterBrokerBody, "
UNDECODED = Differs("what could not be decoded is said where upstream names its own source line",
                    {"remark": DECODE + "org.*"}, {"remark": DECODE + "(?!org).*"})
NOT_FOUND = {"code": 22, "remark": "can not find message.*",
             "ext": {"indexLastUpdateTimestamp": "0", "indexLastUpdatePhyoffset": "0"}}
NO_TOPIC = {"code": 17, "remark": "No topic route info in name server for the topic: null.*"}

# The last of the broker's own comes last of all: upstream stores what it sends.
BROKER_SCENARIOS = [*broker_scenarios.SCENARIOS[:-1], *tool_scenarios.SCENARIOS, *stats_scenarios.SCENARIOS,
                    *consumer_scenarios.SCENARIOS, *broker_scenarios.SCENARIOS[-1:]]


def too_many(what: str) -> Differs:
    return Differs("a number of queues nobody can mean is refused: upstream loops over them wherever it lists them",
                   FINE, {"code": 1, "remark": rf"{what}=-?\d+ is out of range 0\.\.65536"})


MQ = '{{"brokerName":"broker-a","queueId":{},"topic":"oracle_resets_cpp"}}'
FILLED = "the entries are answered instead of zeros: upstream encodes its answer before it fills it"
NOBODY_ONLINE = "CG_oracle_entries@oracle_entries is not online!"
ENTRY = {"eval": False, "physicOffset": "<hidden>", "physicSize": 118, "tagsCode": 84}

# Scenario -> step -> the difference. Nothing else may differ, and what stands here must differ just so.
DIFFERENCES: dict[str, dict[str, Differs]] = {
    "send_refused": {
        "queue number is no number": field("queueId"),
        "topic missing": field("topic"),
        "queue missing": field("e"),
        "no ext fields at all": field("a"),
    },
    "pulls_refused": {
        "topic missing": field("topic"),
        "offset missing": field("queueOffset"),
        "offset is no number": field("queueOffset"),
        "no ext fields at all": field("consumerGroup"),
        "on the VIP port": Differs("the VIP port serves every code; upstream has no processor for pulls there",
                                   SILENCE, {"code": 0, "remark": "FOUND"}),
    },
    "offsets": {
        "group missing": field("consumerGroup", {**FINE, "ext": {"offset": "0"}}),
        "offset missing": field("commitOffset"),
        "max without a queue": field("queueId"),
        "timestamp is no number": field("timestamp"),
    },
    "queries": {
        "key missing": field("key", NOT_FOUND),
        "place missing": field("offset"),
    },
    "members": {
        "client id missing": field("clientID", FINE),
        "group missing": field("consumerGroup"),
        "no heartbeat body": body(),
        "heartbeat is no JSON": body(),
    },
    "client_checks": {"no body": body()},
    "locks": {"no body to lock": body(), "no body to unlock": body()},
    "send_backs": {"no limit given": field("maxReconsumeTimes"), "group missing": field("group")},
    "expressions": {
        "an empty expression type": Differs("it means tags, as none does; upstream finds nothing whatever the tags",
                                            {"code": 20, "remark": "NO_MATCHED_MESSAGE", "body": None}, {"code": 0}),
    },
    "consumer_calls": {
        "client id missing": field("clientId", {"code": 1, "remark": "The Consumer .* <null> not online"}),
        "consume nothing directly": Differs("a message that is not there is said so instead of a null pointer",
                                            {"code": 1, "remark": NULL},
                                            {"code": 1, "remark": "can not find message by the offset, 16777215"}),
        "no id": field("msgId", {"code": 1, "remark": r"java\.lang\..*"}),
    },
    "resets": {
        "timestamp missing": Differs(NAMED, {"code": 0, "remark": ".*", "body": {"offsetTable": {
            f'{{"brokerName":"broker-a","queueId":{queue},"topic":"oracle_resets"}}': 0 for queue in (0, 1)}}},
            {"code": 1, "remark": ".*timestamp.*", "body": None}),
    },
    "resets_of_cpp": {
        "pushed": Differs("a C++ consumer is sent what it can read, whoever asks",
                          {"body": {"offsetTable": {MQ.format(0): 3, MQ.format(1): 0}}},
                          {"body": {"offsetTable": [{"brokerName": "broker-a", "offset": offset, "queueId": queue,
                                                     "topic": "oracle_resets_cpp"}
                                                    for queue, offset in ((0, 3), (1, 0))]}}),
    },
    "statuses": {
        "nobody to ask": Differs("a group that is not there has nobody online; upstream meets a null",
                                 {"code": 1, "remark": NULL},
                                 {"code": 1, "remark": "No Any Consumer online in the consumer group: .*"}),
    },
    "corrections": {
        "offset of who was filtered": Differs("a question costs no group its offsets",
                                              {"ext": {"offset": "0"}}, {"ext": {"offset": "1"}}),
    },
    "queue_entries": {
        "entries": Differs(FILLED, {"body": {"maxQueueIndex": 0, "minQueueIndex": 0}},
                           {"body": {"maxQueueIndex": 2, "minQueueIndex": 0, "filterData": NOBODY_ONLINE,
                                     "queueData": [ENTRY, ENTRY]}}),
        "no such entry": Differs(FILLED, {"body": {"maxQueueIndex": 0, "minQueueIndex": 0}},
                                 {"body": {"maxQueueIndex": 2, "minQueueIndex": 0, "filterData": NOBODY_ONLINE}}),
    },
    "queue_numbers": {
        "too many to read": too_many("readQueueNums"),
        "fewer than none to write": too_many("writeQueueNums"),
        "too many to retry": too_many("retryQueueNums"),
    },
    "unknown_codes": {
        "code 9999": unknown(9999),
        "code 13": unknown(13),
        "code 27": unknown(27),
        "code 9999 in binary": unknown(9999),
    },
    "names_as_paths": {
        **{f"topic {name!r}": path("topic") for name in broker_scenarios.PATHS},
        "group that is a path": path("group", stored=False),
    },
    "registration": {"compressed, not zlib": UNDECODED, "body is no JSON": UNDECODED},
    "data_versions": {"address missing": field("brokerAddr", {**FINE, "ext": {"changed": "true"}})},
    "routes_refused": {
        "topic missing": field("topic", NO_TOPIC),
        "no ext fields at all": field("topic", NO_TOPIC),
        "code 9999": unknown(9999),
        "code 10": unknown(10),
        "code 34": unknown(34),
    },
    "topic_lists": {
        "cluster missing": field("cluster", {**FINE, "body": {"topicList": []}}),
        "wipe nobody": field("brokerName", {**FINE, "ext": {"wipeTopicCount": "0"}}),
    },
    "key_values": {"put without a key": field("key", FINE)},
    "settings_from_afar": {
        "a path": Differs(AFAR, FINE, {"code": 16, "remark": "kvConfigPath can not be updated from afar.*"}),
        "the port": Differs(AFAR, FINE, {"code": 16, "remark": "listenPort can not be updated from afar.*"}),
        "no number": Differs("a value that is none is refused by name instead of dropped", FINE,
                             {"code": 1, "remark": "serverWorkerThreads: many .*"}),
        "an unknown name": Differs("a name that is none is refused instead of dropped", FINE,
                                   {"code": 1, "remark": "noSuchSetting: there is no such setting.*"}),
    },
    "missing_names": {
        "register without a name": field("brokerName", {**FINE, "ext": {}, "body": {"table": {"kv_t": "kv-a:4"}}}),
        "unregister without a name": field("brokerName", FINE),
    },
}


Sides = tuple[Cluster, Cluster]


@contextmanager
def both(launcher, compared: tuple[str, str], root: Path, names: tuple[str, ...]) -> Iterator[Sides]:
    clusters = [Cluster(launcher(kind), root / f"{number}-{kind}", names) for number, kind in enumerate(compared)]
    try:
        for cluster in clusters:
            cluster.start()
        yield clusters[0], clusters[1]
    finally:
        for cluster in clusters:
            cluster.kill()


@pytest.fixture(scope="module")
def brokers(launcher, compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """One broker with its name server a side."""
    with both(launcher, compared, tmp_path_factory.mktemp("oracle"), ("broker-a",)) as sides:
        yield sides


@pytest.fixture(scope="module")
def name_servers(launcher, compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """One name server a side that no broker knows."""
    with both(launcher, compared, tmp_path_factory.mktemp("oracle-names"), ()) as sides:
        yield sides


def agree(sides: Sides, scenario: Scenario) -> None:
    transcripts = []
    for cluster in sides:
        side = Side(cluster)
        try:
            scenario(side)
        finally:
            side.close()
        transcripts.append(side.transcript)
    differences = {} if sides[1].kind == "upstream" else DIFFERENCES.get(scenario.__name__, {})
    problems = compare(*transcripts, differences)
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("scenario", BROKER_SCENARIOS, ids=lambda each: each.__name__)
def test_a_broker_answers_as_upstream_does(brokers: Sides, scenario: Scenario):
    agree(brokers, scenario)


@pytest.mark.parametrize("scenario", namesrv_scenarios.SCENARIOS, ids=lambda each: each.__name__)
def test_a_name_server_answers_as_upstream_does(name_servers: Sides, scenario: Scenario):
    agree(name_servers, scenario)


def test_every_stated_difference_belongs_to_a_scenario():
    known = {each.__name__ for each in [*BROKER_SCENARIOS, *namesrv_scenarios.SCENARIOS]}
    assert set(DIFFERENCES) <= known
