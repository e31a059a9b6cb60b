"""The broker's own state as tools and slaves read it: offsets, figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, success
from rocketpy.broker.runtime_info import runtime_info
from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import KVTable

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


def get_broker_runtime_info(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """The figures that clusterList, brokerStatus and the console show."""
    return success(KVTable(runtime_info(broker)).encode())


def get_all_consumer_offset(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Every group's offsets, as the file holds them."""
    return success(fastjson.dumps({"offsetTable": broker.offsets.table}))


def get_all_delay_offset(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """How far each delay level is delivered, as the file holds it."""
    return success(fastjson.dumps({"offsetTable": broker.schedule.offsets}))
