"""A topic is deleted from all of a cluster and from the name servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.items import Item, Said
from rocketpy.admin.session import Session
from rocketpy.admin.targets import all_in, each, failures
from rocketpy.client.admin_topics import delete_topic_in_broker, delete_topic_in_name_server


async def deleted_topic(session: Session, cluster: str, topic: str) -> AsyncIterator[Item]:
    """Masters and slaves first, then the routes; these stay where a broker still has the topic."""
    admin = session.admin
    addresses = all_in(await admin.cluster(), cluster)
    failed = failures(await each(addresses, lambda address: delete_topic_in_broker(admin, address, topic)))
    for failure in failed:
        yield failure
    if failed:
        return
    yield Said(f"delete topic [{topic}] from cluster [{cluster}] success.\n", {"topic": topic, "clusterName": cluster})
    answers = await each(admin.name_servers, lambda address: delete_topic_in_name_server(admin, address, topic))
    failed = failures(answers)
    for failure in failed:
        yield failure
    if not failed:
        text = f"delete topic [{topic}] from NameServer success.\n"
        yield Said(text, {"topic": topic, "nameServers": admin.name_servers})
