"""Which function serves which request code of the name server.

A code that is not in SERVED is answered with code 3 and the reason. Invariant: SERVED has every code that a 4.5.2 name
server serves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rocketpy._core.command import Command
from rocketpy.acl.admin_codes import BROKER, NAME_SERVER, admin_codes
from rocketpy.namesrv.processors import brokers, config, kv, topics
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.codes_page import refusals
from rocketpy.protocol.headers import REQUEST_HEADERS

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection

Answer = Command | Awaitable[Command]
Processor = Callable[[Any, Any, Command, Any], Answer]

SERVED: dict[RequestCode, Processor] = {
    RequestCode.PUT_KV_CONFIG: kv.put_kv_config,
    RequestCode.GET_KV_CONFIG: kv.get_kv_config,
    RequestCode.DELETE_KV_CONFIG: kv.delete_kv_config,
    RequestCode.GET_KVLIST_BY_NAMESPACE: kv.get_kvlist_by_namespace,
    RequestCode.REGISTER_BROKER: brokers.register_broker,
    RequestCode.UNREGISTER_BROKER: brokers.unregister_broker,
    RequestCode.QUERY_DATA_VERSION: brokers.query_data_version,
    RequestCode.WIPE_WRITE_PERM_OF_BROKER: brokers.wipe_write_perm_of_broker,
    RequestCode.GET_BROKER_CLUSTER_INFO: brokers.get_broker_cluster_info,
    RequestCode.GET_ROUTEINTO_BY_TOPIC: topics.get_routeinfo_by_topic,
    RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER: topics.get_all_topic_list_from_nameserver,
    RequestCode.DELETE_TOPIC_IN_NAMESRV: topics.delete_topic_in_namesrv,
    RequestCode.GET_TOPICS_BY_CLUSTER: topics.get_topics_by_cluster,
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS: topics.get_system_topic_list_from_ns,
    RequestCode.GET_UNIT_TOPIC_LIST: topics.get_unit_topic_list,
    RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST: topics.get_has_unit_sub_topic_list,
    RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: topics.get_has_unit_sub_ununit_topic_list,
    RequestCode.UPDATE_NAMESRV_CONFIG: config.update_namesrv_config,
    RequestCode.GET_NAMESRV_CONFIG: config.get_namesrv_config,
}


def bind(server: NameServer) -> dict[int, Callable[[Connection, Command], Answer]]:
    """The table remoting asks: code -> function of connection and request."""
    table = {int(code): _bound(server, code, processor) for code, processor in SERVED.items()}
    if server.access is not None:
        admin = admin_codes(NAME_SERVER)
        table |= server.access.guarded({code: serve for code, serve in table.items() if code in admin})
    return {**refusals(table, BROKER, "broker"), **table}


def _bound(server: NameServer, code: RequestCode, processor: Processor) -> Callable[[Connection, Command], Answer]:
    header_class = REQUEST_HEADERS.get(code)

    def answer(connection: Connection, request: Command) -> Answer:
        server.served[code] = server.served.get(code, 0) + 1
        return processor(server, connection, request, header_class.decode(request) if header_class else None)

    return answer
