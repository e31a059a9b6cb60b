"""Values by namespace and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.protocol.bodies import KVTable
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    DeleteKVConfigRequestHeader,
    GetKVConfigRequestHeader,
    GetKVConfigResponseHeader,
    GetKVListByNamespaceRequestHeader,
    PutKVConfigRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection


def put_kv_config(
    server: NameServer, connection: Connection, request: Command, header: PutKVConfigRequestHeader
) -> Command:
    """Set a value."""
    server.kv.put(header.namespace, header.key, header.value)
    return response()


def get_kv_config(
    server: NameServer, connection: Connection, request: Command, header: GetKVConfigRequestHeader
) -> Command:
    """A value."""
    value = server.kv.get(header.namespace, header.key)
    ext = GetKVConfigResponseHeader(value=value).encode()
    if value is None:
        remark = f"No config item, Namespace: {header.namespace} Key: {header.key}"
        return response(ResponseCode.QUERY_NOT_FOUND, remark, ext)
    return response(ext=ext)


def delete_kv_config(
    server: NameServer, connection: Connection, request: Command, header: DeleteKVConfigRequestHeader
) -> Command:
    """Remove a value."""
    server.kv.delete(header.namespace, header.key)
    return response()


def get_kvlist_by_namespace(
    server: NameServer, connection: Connection, request: Command, header: GetKVListByNamespaceRequestHeader
) -> Command:
    """All values of a namespace."""
    values = server.kv.namespace(header.namespace)
    if values is None:
        return response(ResponseCode.QUERY_NOT_FOUND, f"No config item, Namespace: {header.namespace}")
    return response(body=KVTable(table=values).encode())
