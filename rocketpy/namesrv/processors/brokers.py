"""Brokers come, stay and go; and who is there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.namesrv.route_info import Registration
from rocketpy.protocol.bodies import DataVersion, KVTable
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    QueryDataVersionRequestHeader,
    QueryDataVersionResponseHeader,
    RegisterBrokerRequestHeader,
    RegisterBrokerResponseHeader,
    UnRegisterBrokerRequestHeader,
    WipeWritePermOfBrokerRequestHeader,
    WipeWritePermOfBrokerResponseHeader,
)
from rocketpy.protocol.names import ORDER_TOPIC_NAMESPACE
from rocketpy.protocol.register_body import body_crc32, decode_register_body

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqNamesrv")


def register_broker(
    server: NameServer, connection: Connection, request: Command, header: RegisterBrokerRequestHeader
) -> Command:
    """Take a broker's topics in; the answer brings the order topics, and to a slave its master."""
    if header.body_crc32 and header.body_crc32 != body_crc32(request.body):
        log.warning("receive registerBroker request,crc32 not match,from %s", connection.address)
        return response(ResponseCode.SYSTEM_ERROR, "crc32 not match", {})
    wrapper, filter_servers = decode_register_body(
        request.body, compressed=header.compressed, version=request.version
    )
    said = Registration(
        cluster=header.cluster_name,
        broker_name=header.broker_name,
        broker_id=header.broker_id,
        broker_addr=header.broker_addr,
        ha_server_addr=header.ha_server_addr,
        data_version=wrapper.data_version,
        topics=wrapper.topic_config_table.values(),
        filter_servers=filter_servers,
    )
    ha_server_addr, master_addr = server.routes.register(said, connection) or (None, None)
    answer = RegisterBrokerResponseHeader(ha_server_addr=ha_server_addr, master_addr=master_addr)
    order_topics = server.kv.namespace(ORDER_TOPIC_NAMESPACE)
    body = None if order_topics is None else KVTable(table=order_topics).encode()
    return response(ResponseCode.SUCCESS, ext=answer.encode(), body=body)


def unregister_broker(
    server: NameServer, connection: Connection, request: Command, header: UnRegisterBrokerRequestHeader
) -> Command:
    """A broker leaves in good order."""
    server.routes.unregister(header.broker_name, header.broker_id, header.broker_addr)
    return response()


def query_data_version(
    server: NameServer, connection: Connection, request: Command, header: QueryDataVersionRequestHeader
) -> Command:
    """Whether the broker has to register again; a no keeps it alive as a registration would."""
    changed = server.routes.is_changed(header.broker_addr, DataVersion.decode(request.body))
    if not changed:
        server.routes.refresh(header.broker_addr)
    live = server.routes.live.get(header.broker_addr)
    body = None if live is None else live.data_version.encode()
    return response(ext=QueryDataVersionResponseHeader(changed=changed).encode(), body=body)


def wipe_write_perm_of_broker(
    server: NameServer, connection: Connection, request: Command, header: WipeWritePermOfBrokerRequestHeader
) -> Command:
    """Keep producers away from a broker, until it registers with a changed version."""
    wiped = server.routes.wipe_write_perm(header.broker_name)
    log.info("wipe write perm of broker[%s], client: %s, %d", header.broker_name, connection.address, wiped)
    return response(ext=WipeWritePermOfBrokerResponseHeader(wipe_topic_count=wiped).encode())


def get_broker_cluster_info(server: NameServer, connection: Connection, request: Command, header: None) -> Command:
    """All brokers and clusters."""
    return response(body=server.routes.cluster_info().encode())
