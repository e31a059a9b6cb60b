"""The settings tables beside what a broker 4.5.2 answers to GET_BROKER_CONFIG: the same names, the same defaults."""

from pathlib import Path

from rocketpy.config import Environment, MessageStoreConfig
from rocketpy.config.programs import broker_program
from rocketpy.config.properties import load_properties

DUMP = Path(__file__).parent / "data" / "config" / "getBrokerConfig_live.properties"
# What the file of that broker set; two keys of it are no properties of 4.5.2, and echoed all the same.
NO_PROPERTIES = {"someUnknownKey", "mapedFileSizeCommitLog"}
SET = {
    "brokerIP1", "brokerIP2", "brokerName", "diskMaxUsedSpaceRatio", "enablePropertyFilter", "haListenPort",
    "listenPort",
    "mappedFileSizeCommitLog", "mappedFileSizeConsumeQueue", "maxHashSlotNum", "maxIndexNum", "maxMessageSize",
    "messageDelayLevel", "namesrvAddr", "rocketmqHome", "storePathCommitLog", "storePathRootDir", "traceTopicEnable",
    "transactionCheckInterval", "transactionTimeOut",
}  # fmt: skip
ADDED = {"aclStrictAdmin", "metricsBindAddress", "metricsPort", "metricsRowLimit"}  # ours
DERIVED = {"bitMapLengthConsumeQueueExt"}  # upstream puts the bloom filter's size there at start
NULL = {"haMasterAddress", "dLegerGroup", "dLegerPeers", "dLegerSelfId"}  # left out of the answer


def upstream() -> dict[str, str]:
    return {key: entry.java_value for key, entry in load_properties(str(DUMP)).in_force().items()}


def ours() -> dict[str, str]:
    """On two cores, as the broker of the dump."""
    variables = {"HOME": "/home/op", "ROCKETMQ_HOME": "/opt/mq", "NAMESRV_ADDR": "a:1"}
    settings = broker_program(Environment(variables=variables, cores=2), None, None).settings
    return {name: text for config in settings for name, text in config.properties(nulls=True)}


def test_the_names_are_upstreams() -> None:
    assert upstream().keys() - NO_PROPERTIES == ours().keys() - NULL - ADDED


def test_the_defaults_are_upstreams() -> None:
    theirs, mine = upstream(), ours()
    same = theirs.keys() - NO_PROPERTIES - SET - DERIVED
    assert {name: mine[name] for name in same} == {name: theirs[name] for name in same}
    assert {mine[name] for name in NULL} == {""}


def test_what_upstream_answers_is_read_without_a_remark_on_its_values() -> None:
    config = MessageStoreConfig()
    for name in upstream().keys() & config.rows.keys():
        config.set(name, upstream()[name])
        assert config.text(name) == upstream()[name]
