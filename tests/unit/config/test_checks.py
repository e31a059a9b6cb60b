"""Contradictions refuse a start with upstream's words and exit codes."""

import pytest

from rocketpy.config import BrokerConfig, Environment, MessageStoreConfig, NettyServerConfig
from rocketpy.config.apply import apply_file
from rocketpy.config.checks import check_broker_settings, check_can_serve, check_home, store_address
from rocketpy.config.properties import parse_properties
from rocketpy.errors import StartRefused

BARE = Environment(variables={"HOME": "/home/op"}, cores=2)


def settings(text: str) -> tuple[BrokerConfig, NettyServerConfig, MessageStoreConfig]:
    configs = (BrokerConfig(BARE), NettyServerConfig(BARE, listen_port=10911), MessageStoreConfig(BARE))
    apply_file(parse_properties("f", text), configs)
    return configs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "brokerRole=SLAVE",
            "brokerId=0 (default): Slave's brokerId must be > 0: set brokerId=1, or brokerRole=ASYNC_MASTER",
        ),
        (
            "brokerId=1",
            "brokerId=1 (f:1): a broker with brokerRole=ASYNC_MASTER has brokerId 0: set that, or brokerRole=SLAVE",
        ),
        (
            "namesrvAddr=10.0.0.1",
            'The Name Server Address[10.0.0.1] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"',
        ),
        (
            "namesrvAddr=a:1;;b:2",
            'The Name Server Address[a:1;;b:2] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"',
        ),
        (
            "namesrvAddr=a:x",
            'The Name Server Address[a:x] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"',
        ),
    ],
)
def test_contradictions_refuse_the_start(text: str, message: str) -> None:
    broker, _, store = settings(text)
    with pytest.raises(StartRefused) as refused:
        check_broker_settings(broker, store)
    assert (str(refused.value), refused.value.exit_code) == (message, 253)


@pytest.mark.parametrize("text", ["namesrvAddr=a:1;b:2;", "brokerRole=SYNC_MASTER", "brokerRole=SLAVE\nbrokerId=1"])
def test_what_does_not_contradict_itself_passes(text: str) -> None:
    broker, _, store = settings(text)
    check_broker_settings(broker, store)


@pytest.mark.parametrize("text", ["brokerRole=SLAVE\nbrokerId=1", "enableDLegerCommitLog=true", "listenPort=2"])
def test_what_would_do_harm_does_not_serve(text: str) -> None:
    _, server, store = settings(text)
    with pytest.raises(StartRefused) as refused:
        check_can_serve(server, store)
    assert refused.value.exit_code == 253


def test_no_home_refuses_the_start() -> None:
    check_home("/opt/mq")
    with pytest.raises(StartRefused) as refused:
        check_home(None)
    assert refused.value.exit_code == 254


def test_the_address_in_stored_messages_is_ipv4() -> None:
    assert store_address(BrokerConfig(BARE, broker_ip1="10.1.2.3")) == "10.1.2.3"
    assert store_address(BrokerConfig(BARE, broker_ip1="localhost")) == "127.0.0.1"


@pytest.mark.parametrize("address", ["[fd00::2]", "10.1.2.3:10911", "a..b", "host.invalid"])
def test_an_address_that_is_none_refuses_the_start(address: str) -> None:
    with pytest.raises(StartRefused, match="brokerIP1="):
        store_address(BrokerConfig(BARE, broker_ip1=address))
