"""The name server's own settings, read and changed from afar."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.clock import Clock
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.settings_file import SettingsFile
from rocketpy.settings_update import SettingsUpdate, nothing

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqNamesrv")


def settings_update(config: NamesrvConfig, server_config: NettyServerConfig, clock: Clock) -> SettingsUpdate:
    """Updates of a name server's settings; upstream's default configStorePath is a file that no start reads.

    An empty one is none: what is changed is gone with the server.
    """
    is_read = config.config_store_path != config.default("configStorePath")
    path = config.config_store_path
    kept = SettingsFile(Path(path).absolute(), is_read=is_read) if path else None
    return SettingsUpdate((config, server_config), kept, clock, log, "updateNamesrvConfig")


def get_namesrv_config(server: NameServer, connection: Connection, request: Command, header: None) -> Command:
    """Every setting, a line each, and what else stood in the file."""
    extra = (f"{key}={value}\n" for key, value in server.config.extra.items())
    parts = (server.config.properties_text(), server.server_config.properties_text(), *extra)
    return response(body="".join(parts).encode())


async def update_namesrv_config(
    server: NameServer, connection: Connection, request: Command, header: None
) -> Command:
    """Change settings; answered when they are on disk."""
    told = await server.settings_update.take(request.body, connection.address, nothing, nothing)
    return response(ResponseCode.SUCCESS, told)
