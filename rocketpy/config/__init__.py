"""Settings: the properties file with its diagnostics, and one table of settings a server."""

from rocketpy.config.broker import BrokerConfig
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyClientConfig, NettyServerConfig
from rocketpy.config.setting import Setting, Settings
from rocketpy.config.store import BrokerRole, FlushDiskType, MessageStoreConfig

__all__ = [
    "BrokerConfig",
    "BrokerRole",
    "Environment",
    "FlushDiskType",
    "MessageStoreConfig",
    "NamesrvConfig",
    "NettyClientConfig",
    "NettyServerConfig",
    "Setting",
    "Settings",
]
