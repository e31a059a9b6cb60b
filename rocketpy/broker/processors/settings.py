"""The broker's settings, read and changed by tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.broker.processors.answers import Answer, success
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


def get_broker_config(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Every setting as `key=value` lines; the header carries the version of the settings."""
    return success(broker.config_text().encode(), {"version": broker.settings_update.version.encode().decode()})


async def update_broker_config(
    broker: Broker, connection: Connection, request: Command, header: None
) -> Command | None:
    """Change settings; answered when they are on disk, and in force as far as they can be without a restart."""
    steps = broker.settings_in_force
    told = await broker.settings_update.take(request.body, connection.address, steps.check, steps.act)
    return response(ResponseCode.SUCCESS, told)
