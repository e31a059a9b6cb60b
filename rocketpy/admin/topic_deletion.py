"""A topic is deleted from all of a cluster and from the name servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.session import Session
from rocketpy.admin.targets import all_in, each
from rocketpy.client.admin_topics import delete_topic_in_broker, delete_topic_in_name_server
from rocketpy.errors import RocketPyError


async def deleted_topic(session: Session, cluster: str, topic: str) -> AsyncIterator[Item]:
    """Masters and slaves first, then the routes; these stay where a broker still has the topic."""
    admin = session.admin
    addresses = all_in(await admin.cluster(), cluster)
    outcomes = await each(addresses, lambda address: delete_topic_in_broker(admin, address, topic))
    failures = [Failed(address, error) for address, error in outcomes if isinstance(error, RocketPyError)]
    for failure in failures:
        yield failure
    if failures:
        return
    yield Said(f"delete topic [{topic}] from cluster [{cluster}] success.\n", {"topic": topic, "clusterName": cluster})
    outcomes = await each(admin.name_servers, lambda address: delete_topic_in_name_server(admin, address, topic))
    failures = [Failed(address, error) for address, error in outcomes if isinstance(error, RocketPyError)]
    for failure in failures:
        yield failure
    if not failures:
        text = f"delete topic [{topic}] from NameServer success.\n"
        yield Said(text, {"topic": topic, "nameServers": admin.name_servers})
