"""VIEW_BROKER_STATS_DATA: one counter over a minute, an hour and a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, refused, success
from rocketpy.protocol.admin_bodies import BrokerStatsData, BrokerStatsItem
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import ViewBrokerStatsDataRequestHeader
from rocketpy.stats import Span

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


def view_broker_stats_data(
    broker: Broker, connection: Connection, request: Command, header: ViewBrokerStatsDataRequestHeader
) -> Answer:
    """Sum, rate and average of each window; a name or a key that never counted is refused in upstream's words."""
    name, key = header.stats_name, header.stats_key
    windows = [broker.stats.window(name, key, span) for span in Span]
    items = [BrokerStatsItem(*window) for window in windows if window is not None]
    if not items:
        raise refused(ResponseCode.SYSTEM_ERROR, f"The stats <{name}> <{key}> not exist")
    return success(BrokerStatsData(*items).encode())
