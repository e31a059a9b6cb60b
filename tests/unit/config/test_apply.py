"""The guide's files start a broker as they are; every setting that is not in force as written is told."""

import logging
from pathlib import Path

import pytest

from rocketpy.config import BrokerConfig, Environment, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.config.apply import apply_file
from rocketpy.config.properties import PropertiesFile, load_properties, parse_properties

GUIDE = Path(__file__).parents[2] / "fixtures" / "guide"
BARE = Environment(variables={"HOME": "/home/op"}, cores=2)


class Applied:
    """Settings with a file applied to them."""

    def __init__(self, file: PropertiesFile) -> None:
        self.file = file
        self.broker, self.server = BrokerConfig(BARE), NettyServerConfig(BARE)
        self.store = MessageStoreConfig(BARE)
        apply_file(file, (self.broker, self.server, NettyClientConfig(BARE), self.store))

    @property
    def told(self) -> list[str]:
        return [remark.text for remark in self.file.remarks if not remark.quiet]


def applied(text: str) -> Applied:
    return Applied(parse_properties("f", text))


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_guides_files_mean_what_the_operator_meant(name: str) -> None:
    guide = Applied(load_properties(str(GUIDE / f"broker-{name}.properties")))
    broker, store = guide.broker, guide.store
    assert (broker.broker_cluster_name, broker.broker_name) == ("rocketmq-cluster", f"broker-{name}")
    assert (broker.broker_id, broker.default_topic_queue_nums) == (0, 4)
    assert broker.namesrv_addr == "10.32.16.195:9876;10.32.16.196:9876"
    assert (broker.auto_create_topic_enable, broker.auto_create_subscription_group) == (True, True)
    assert guide.server.listen_port == 10911
    assert (store.delete_when, store.file_reserved_time, store.disk_max_used_space_ratio) == ("04", 120, 88)
    assert store.store_path_root_dir == "/usr/local/rocketmq-4.5.2/store"
    assert store.store_path_commit_log == "/usr/local/rocketmq-4.5.2/store/commitlog"
    assert store.mapped_file_size_commit_log == 1073741824
    assert store.mapped_file_size_consume_queue == 6000000
    assert store.max_message_size == 65536
    assert (store.broker_role.value, store.flush_disk_type.value) == ("ASYNC_MASTER", "ASYNC_FLUSH")


def test_the_guides_files_have_nothing_but_quiet_remarks() -> None:
    guide = Applied(load_properties(str(GUIDE / "broker-a.properties")))
    assert guide.told == []
    texts = [str(remark) for remark in guide.file.remarks]
    assert any("broker-a.properties:6: brokerId: blanks" in text and '"0" is in force' in text for text in texts)
    assert any(':4: brokerName: "#两文档唯一区别" behind the value' in text for text in texts)
    in_force = "mappedFileSizeConsumeQueue=6000000 is in force, from the old spelling mapedFileSizeConsumeQueue=300000"
    assert any(in_force in text for text in texts)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("mapedFileSizeConsumeQueue=300000", 6000000),
        ("mapedFileSizeConsumeQueue=999999", 19999980),
        ("mapedFileSizeConsumeQueue=1000000", 1000000),
        ("mapedFileSizeConsumeQueue=6000001", 6000020),
        ("mappedFileSizeConsumeQueue=300000", 300000),
        ("mappedFileSizeConsumeQueue=300001", 300020),
        ("mapedFileSizeConsumeQueue=300000\nmappedFileSizeConsumeQueue=4000000", 4000000),
        ("mappedFileSizeConsumeQueue=4000000\nmapedFileSizeConsumeQueue=300000", 4000000),
        ("mapedFileSizeConsumeQueue=0", 6000000),
        ("mapedFileSizeConsumeQueue=many", 6000000),
    ],
)
def test_both_spellings_of_the_queue_size(text: str, size: int) -> None:
    assert applied(text).store.mapped_file_size_consume_queue == size


def test_the_size_in_force_has_an_origin() -> None:
    config = applied("# x\nmapedFileSizeConsumeQueue=300000").store
    assert config.origin("mappedFileSizeConsumeQueue") == "mapedFileSizeConsumeQueue=300000 entries, f:2"
    assert config.origin("mappedFileSizeCommitLog") == "default"


def test_the_older_spelling_gives_way() -> None:
    told = applied("mapedFileSizeCommitLog=1\nmappedFileSizeCommitLog=65536").told
    assert told == ["mapedFileSizeCommitLog is overruled by mappedFileSizeCommitLog=65536 in line 2"]


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        (
            "brokerNmae=x",
            "brokerNmae is no property of this program and has no effect; the nearest one is brokerName",
        ),
        (
            "FLUSHDISKTYPE=x",
            "FLUSHDISKTYPE is no property of this program and has no effect; the nearest one is flushDiskType",
        ),
        ("zzz=x", "zzz is no property of this program and has no effect"),
        ("fileReservedTime=4h", "fileReservedTime=4h is not a number; fileReservedTime=72 is in force"),
        ("fileReservedTime=", "fileReservedTime= is empty; fileReservedTime=72 is in force"),
        ("listenPort=109110", "listenPort=109110 is out of range 1..65535; listenPort=8888 is in force"),
        ("diskMaxUsedSpaceRatio=99", "diskMaxUsedSpaceRatio=99 is corrected; 95 is in force"),
        ("registerNameServerPeriod=1", "registerNameServerPeriod=1 is corrected; 10000 is in force"),
        ("traceOn=yes", "traceOn=yes is neither true nor false; false is in force, as upstream reads it"),
        ("deleteWhen=4 am", "deleteWhen=4 am is no list of hours such as 04;16; deleteWhen=04 is in force"),
        (
            "haSendHeartbeatInterval=1",
            "haSendHeartbeatInterval=1 is not acted on in this release (master/slave replication)",
        ),
        (
            "sendMessageThreadPoolNums=128",
            "sendMessageThreadPoolNums=128 has no effect: "
            "one event loop serves every request; there are no thread pools",
        ),
        (
            "abortFile=/x/abort",
            "abortFile=/x/abort is not used: /home/op/store/abort is, which follows storePathRootDir",
        ),
        (
            "storePathIndex=/x/index\nstorePathRootDir=/s",
            "storePathIndex=/x/index is not used: /s/index is, which follows storePathRootDir",
        ),
        (
            "checkTransactionMessageEnable=false",
            "checkTransactionMessageEnable has no effect since 4.3: transactions are always checked",
        ),
        (
            "messageDelayLevel=1s 5x",
            "messageDelayLevel=1s 5x is no list of times such as 1s 5m 2h, separated by one blank each; "
            "messageDelayLevel=1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h is in force",
        ),
        ("namesrvAddr=a:1; b:2 ;", "namesrvAddr=a:1; b:2 ; is corrected; a:1;b:2 is in force"),
    ],
)
def test_what_is_not_in_force_as_written_is_told(text: str, remark: str) -> None:
    assert applied(text).told == [remark]


@pytest.mark.parametrize(
    "text",
    [
        "sendMessageThreadPoolNums=1",
        "haSendHeartbeatInterval=5000",
        "storePathRootDir=/s\nstorePathConsumeQueue=/s/consumequeue",
        "storePathConsumeQueue=/s/consumequeue/\nstorePathRootDir=/s",
        "mapedFileSizeCommitLog=1073741824",
        "autoCreateTopicEnable=TRUE",
        "rmqAddressServerDomain=ns.example:80\nrmqAddressServerSubGroup=mine",
        "fetchNamesrvAddrByAddressServer=true",
        "fileReservedTime=48",
    ],
)
def test_what_is_in_force_as_written_is_not_told(text: str) -> None:
    assert applied(text).told == []


def test_extra_keys_are_kept_for_the_dump() -> None:
    assert applied("someUnknownKey=hello").broker.extra == {"someUnknownKey": "hello"}


def test_the_size_in_force_is_information_not_a_warning() -> None:
    remarks = applied("mapedFileSizeCommitLog=65536").file.remarks
    assert [remark.level for remark in remarks] == [logging.INFO]
