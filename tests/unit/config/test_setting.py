"""The table's mechanism: types, bounds, corrected values, overrides."""

import pytest

from rocketpy.config import (
    BrokerConfig,
    BrokerRole,
    Environment,
    FlushDiskType,
    MessageStoreConfig,
    NamesrvConfig,
    NettyClientConfig,
    NettyServerConfig,
)

BARE = Environment(variables={"HOME": "/home/op"}, cores=2)


def test_defaults_are_upstreams() -> None:
    store = MessageStoreConfig(BARE)
    assert store.store_path_commit_log == "/home/op/store/commitlog"
    assert store.mapped_file_size_commit_log == 1 << 30
    assert store.flush_disk_type is FlushDiskType.ASYNC_FLUSH
    broker = BrokerConfig(BARE)
    assert (broker.pull_message_thread_pool_nums, broker.broker_cluster_name) == (20, "DefaultCluster")
    assert broker.namesrv_addr is None
    assert NettyServerConfig(BARE).listen_port == 8888


def test_defaults_follow_variables_and_system_properties() -> None:
    variables = {"JAVA_OPT": "-server -Xmx1g -Duser.home=/data -Drocketmq.namesrv.addr=a:1", "NAMESRV_ADDR": "b:2"}
    environment = Environment(variables=variables, cores=1)
    assert BrokerConfig(environment).namesrv_addr == "a:1"
    assert NamesrvConfig(environment).kv_config_path == "/data/namesrv/kvConfig.json"
    assert NettyClientConfig(environment).client_callback_executor_threads == 1


def test_a_keyword_root_takes_the_commit_log_along_and_a_property_does_not() -> None:
    assert MessageStoreConfig(BARE, store_path_root_dir="/s").store_path_commit_log == "/s/commitlog"
    from_text = MessageStoreConfig(BARE)
    from_text.set("storePathRootDir", "/s")
    assert from_text.store_path_commit_log == "/home/op/store/commitlog"


def test_an_unknown_keyword_is_an_error() -> None:
    with pytest.raises(TypeError, match="flush_type"):
        MessageStoreConfig(BARE, flush_type="x")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("fileReservedTime", "4 ", "is not a number"),
        ("fileReservedTime", "", "is empty"),
        ("fileReservedTime", "1_0", "is not a number"),
        ("fileReservedTime", "+-1", "is not a number"),
        ("fileReservedTime", "٤", "is not a number"),
        ("fileReservedTime", "2147483648", "is out of range 0..2147483647"),
        ("fileReservedTime", "-1", "is out of range 0..2147483647"),
        ("flushDiskType", "FLUSH", "is none of ASYNC_FLUSH, SYNC_FLUSH"),
    ],
)
def test_text_that_is_no_value_changes_nothing(name: str, text: str, reason: str) -> None:
    config = MessageStoreConfig(BARE)
    before = config.properties_text()
    with pytest.raises(ValueError) as told:
        config.set(name, text)
    assert str(told.value) == reason
    assert config.properties_text() == before


def test_text_becomes_a_value() -> None:
    config = MessageStoreConfig(BARE)
    config.set("brokerRole", "SLAVE", "f:3")
    config.set("messageIndexEnable", "False")
    config.set("fileReservedTime", "+48")
    assert config.broker_role is BrokerRole.SLAVE
    assert (config.message_index_enable, config.file_reserved_time) == (False, 48)
    assert config.origin("brokerRole") == "f:3"
    assert config.origin("deleteWhen") == "default"


def test_a_corrected_value_is_in_force_and_the_written_one_is_shown() -> None:
    config = MessageStoreConfig(BARE)
    config.set("diskMaxUsedSpaceRatio", "99")
    config.set("mappedFileSizeConsumeQueue", "6000001")
    assert (config.disk_max_used_space_ratio, config.mapped_file_size_consume_queue) == (95, 6000020)
    assert "diskMaxUsedSpaceRatio=99\nfile" in config.properties_text()
    config.set("diskMaxUsedSpaceRatio", "88")
    assert config.text("diskMaxUsedSpaceRatio") == "88"


def test_nulls_are_left_out_of_the_dump_and_empty_in_print() -> None:
    config = MessageStoreConfig(BARE)
    assert "haMasterAddress" not in config.properties_text()
    assert ("haMasterAddress", "") in config.properties(nulls=True)
    assert ("deleteWhen", "04") in config.properties(important=True)
    assert "fileReservedTime=72\n" in config.properties_text()
    assert all(name != "maxMessageSize" for name, _ in config.properties(important=True))
