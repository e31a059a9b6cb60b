"""QUERY_MESSAGE and VIEW_MESSAGE_BY_ID: finds records by key or by their place in the commit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.broker.processors.answers import Answer, from_disk, once_in_memory, refused, success
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import QueryMessageRequestHeader, ViewMessageRequestHeader

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


async def query_message(
    broker: Broker, connection: Connection, request: Command, header: QueryMessageRequestHeader
) -> Command:
    """Records whose key has the asked-for hash; clients look at the keys themselves."""
    max_num = header.max_num
    if (request.ext or {}).get("_UNIQUE_KEY_QUERY") == "true":
        max_num = broker.store_config.default_query_max_num
    times = header.begin_timestamp, header.end_timestamp
    found = await from_disk(broker.store.query_patiently(header.topic, header.key, max_num, *times))
    if not found.records:
        remark = "can not find message, maybe time range not correct"
        return response(ResponseCode.QUERY_NOT_FOUND, remark, _index_ext(0, 0))
    return success(found.records, _index_ext(found.last_timestamp, found.last_phy_offset))


def _index_ext(timestamp: int, physical_offset: int) -> dict[str, str]:
    """How far the index reaches; upstream says nothing of it, that is 0, where nothing was found."""
    return {"indexLastUpdateTimestamp": str(timestamp), "indexLastUpdatePhyoffset": str(physical_offset)}


def view_message_by_id(
    broker: Broker, connection: Connection, request: Command, header: ViewMessageRequestHeader
) -> Answer:
    """The record that begins at `offset`."""

    def answer() -> Command:
        record = broker.store.record_at(header.offset)
        if record is None:
            raise refused(ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {header.offset}")
        return success(record)

    return once_in_memory(broker, header.offset, answer)
