"""Admin calls about topics: routes, ends of queues, who consumes, order, deletion.

Functions take any `Calls` (an Admin, a Producer); what is asked of several brokers is the caller's to spread.
"""

from __future__ import annotations

from rocketpy._core.command import request
from rocketpy.client.calls import BrokerRefused, Calls, ClientError, NoNameServer
from rocketpy.protocol.admin_bodies import GroupList, TopicStatsTable
from rocketpy.protocol.bodies import ClusterInfo, TopicList
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.names import ORDER_TOPIC_NAMESPACE


async def cluster(calls: Calls) -> ClusterInfo:
    """Clusters, broker sets and addresses; code 106."""
    answer = await calls.ask_namesrv(RequestCode.GET_BROKER_CLUSTER_INFO)
    return ClusterInfo.decode(answer.body or b"{}")


async def all_topics(calls: Calls) -> list[str]:
    """Every topic that has a route, in the name server's order; code 206."""
    answer = await calls.ask_namesrv(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER)
    return TopicList.decode(answer.body or b"{}").topic_list


async def topic_stats(calls: Calls, address: str, topic: str) -> TopicStatsTable:
    """The ends of a topic's queues on one broker; code 202."""
    answer = await calls.ask(address, request(RequestCode.GET_TOPIC_STATS_INFO, {"topic": topic}))
    return TopicStatsTable.decode(answer.body or b"{}")


async def groups_of_topic(calls: Calls, address: str, topic: str) -> list[str]:
    """The groups that consume a topic, by one broker; code 300."""
    answer = await calls.ask(address, request(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, {"topic": topic}))
    return GroupList.decode(answer.body or b"{}").group_list


async def delete_topic_in_broker(calls: Calls, address: str, topic: str) -> None:
    """Delete a topic on one broker; code 215."""
    await calls.ask(address, request(RequestCode.DELETE_TOPIC_IN_BROKER, {"topic": topic}))


async def delete_topic_in_name_server(calls: Calls, address: str, topic: str) -> None:
    """Make one name server forget a topic's route; code 216."""
    await calls.ask(address, request(RequestCode.DELETE_TOPIC_IN_NAMESRV, {"topic": topic}))


# ---- key values: every name server has its own, so writing goes to all of them


async def put_kv(calls: Calls, namespace: str, key: str, value: str) -> None:
    """Write a value on every name server; the last refusal is raised after all were asked, as upstream does."""
    await on_all(calls, RequestCode.PUT_KV_CONFIG, {"namespace": namespace, "key": key, "value": value})


async def delete_kv(calls: Calls, namespace: str, key: str) -> None:
    """Delete a value on every name server."""
    await on_all(calls, RequestCode.DELETE_KV_CONFIG, {"namespace": namespace, "key": key})


async def get_kv(calls: Calls, namespace: str, key: str) -> str:
    """A value, from one name server. BrokerRefused(QUERY_NOT_FOUND) when there is none."""
    answer = await calls.ask_namesrv(RequestCode.GET_KV_CONFIG, {"namespace": namespace, "key": key})
    return (answer.ext or {}).get("value", "")


async def on_all(calls: Calls, code: int, ext: dict[str, str] | None = None, body: bytes | None = None) -> None:
    """Ask every name server."""
    refused: ClientError | None = None
    for address in calls.name_servers:
        try:
            await calls.ask(address, request(code, ext, body))
        except ClientError as error:
            refused = error
    if refused is not None:
        raise refused
    if not calls.name_servers:
        raise NoNameServer


async def put_order_of_broker(calls: Calls, topic: str, broker_name: str, queue_nums: int) -> None:
    """Set one broker's part of a topic's order conf; those of other brokers stay."""
    try:
        old = await get_kv(calls, ORDER_TOPIC_NAMESPACE, topic)
    except BrokerRefused as refusal:
        if refusal.code != ResponseCode.QUERY_NOT_FOUND:
            raise
        old = ""
    parts = {part.split(":")[0]: part for part in old.split(";") if part.strip()}
    parts[broker_name] = f"{broker_name}:{queue_nums}"
    await put_kv(calls, ORDER_TOPIC_NAMESPACE, topic, ";".join(parts.values()))
