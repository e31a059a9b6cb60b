"""Finds settings that contradict each other or would do harm, before anything is opened.

Words and exit codes are upstream's where it has any.
"""

import socket

from rocketpy.config.broker import BrokerConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.config.setting import Settings
from rocketpy.config.store import BrokerRole, MessageStoreConfig
from rocketpy.errors import StartRefused

ADDRESS_ILLEGAL = 'The Name Server Address[{}] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"'
HOME_UNSET = (
    "Please set the ROCKETMQ_HOME variable in your environment to match the location of the RocketMQ installation"
)
EXIT_BAD_HOME = 254
EXIT_BAD_SETTING = 253


class UpstreamRefused(StartRefused):
    """Refused in upstream's words, which stand on stdout."""


def check_home(home: str | None) -> None:
    """StartRefused when nobody says where the release is."""
    if not home:
        raise UpstreamRefused(HOME_UNSET, EXIT_BAD_HOME)


def check_broker_settings(broker: BrokerConfig, store: MessageStoreConfig) -> None:
    """StartRefused for what upstream refuses too, and for a brokerId that contradicts the role."""
    addresses = broker.namesrv_addr
    if addresses is not None and not check_name_servers(addresses):
        raise UpstreamRefused(ADDRESS_ILLEGAL.format(addresses), EXIT_BAD_SETTING)
    if store.broker_role is BrokerRole.SLAVE:
        if broker.broker_id <= 0:
            raise _refused(
                broker, "brokerId", "Slave's brokerId must be > 0: set brokerId=1, or brokerRole=ASYNC_MASTER"
            )
    elif broker.broker_id != 0:
        why = f"a broker with brokerRole={store.broker_role.value} has brokerId 0: set that, or brokerRole=SLAVE"
        raise _refused(broker, "brokerId", why)


def check_can_serve(server: NettyServerConfig, store: MessageStoreConfig) -> None:
    """StartRefused for what this release would do harm with; printing such settings is still allowed."""
    if store.broker_role is BrokerRole.SLAVE:
        why = "this release has no replication, so consumers would miss messages here; run slaves with RocketMQ 4.5.2"
        raise _refused(store, "brokerRole", why)
    if store.enable_d_leger_commit_log:
        why = "this release has no DLedger, whose store is another one; run this broker with RocketMQ 4.5.2"
        raise _refused(store, "enableDLegerCommitLog", why)
    if not 3 <= server.listen_port < 65535:
        why = "the VIP port is two below it and the HA port one above: give one of 3..65534"
        raise _refused(server, "listenPort", why)


def check_acl_settings(broker: BrokerConfig) -> None:
    """StartRefused for a guard of what is not guarded."""
    if broker.acl_strict_admin and not broker.acl_enable:
        where = broker.origin("aclStrictAdmin")
        raise StartRefused(f"aclStrictAdmin=true ({where}) is nothing without aclEnable=true: set both, or neither")


def store_address(broker: BrokerConfig) -> str:
    """brokerIP1 as an IPv4 address, which is all that stored messages have room for; StartRefused when it has none."""
    try:
        return socket.gethostbyname(broker.broker_ip1)
    except (OSError, UnicodeError):
        why = "no IPv4 address and no host name that has one: set brokerIP1 to the IPv4 address that clients reach"
        raise _refused(broker, "brokerIP1", why) from None


def check_name_servers(addresses: str) -> bool:
    """Whether it is a list of name servers, `;`-separated."""
    return all(map(_is_address, addresses.split(";")))


def _refused(config: Settings, name: str, why: str) -> StartRefused:
    return StartRefused(f"{name}={config.text(name)} ({config.origin(name)}): {why}", EXIT_BAD_SETTING)


def _is_address(address: str) -> bool:
    """`host:port` with a numeric port; as upstream, what follows a second colon does not count."""
    host, colon, port = address.partition(":")
    number = port.partition(":")[0]
    return bool(host and colon and number.isascii() and number.isdigit() and 0 < int(number) < 65536)
