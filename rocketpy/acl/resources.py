"""What each request touches, by its code: the resources it names and the permission each needs.

The table is upstream's (PlainAccessValidator.parse) and, beyond it, what left a gap there: SEND_BATCH_MESSAGE, which
upstream takes for any topic, and the locks of an orderly group. A name that is missing needs nothing: the processor
refuses it. Codes that are not here name no resource; a valid signature is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rocketpy._core.command import Command
from rocketpy.acl.permissions import PUB, SUB
from rocketpy.protocol.bodies import HeartbeatData, LockBatchRequestBody, UnlockBatchRequestBody
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.names import retry_topic

TOPIC, GROUP = "topic", "group"

FIELDS: Mapping[int, tuple[tuple[str, str, int], ...]] = {  # (ext field, what it names, permission)
    RequestCode.SEND_MESSAGE: (("topic", TOPIC, PUB),),
    RequestCode.SEND_MESSAGE_V2: (("b", TOPIC, PUB),),
    RequestCode.SEND_BATCH_MESSAGE: (("b", TOPIC, PUB),),
    # A message that came from the group's own retry topic needs no more than the group: the later row counts.
    RequestCode.CONSUMER_SEND_MSG_BACK: (("originTopic", TOPIC, PUB), ("group", GROUP, SUB)),
    RequestCode.PULL_MESSAGE: (("topic", TOPIC, SUB), ("consumerGroup", GROUP, SUB)),
    RequestCode.QUERY_MESSAGE: (("topic", TOPIC, SUB),),
    RequestCode.UNREGISTER_CLIENT: (("consumerGroup", GROUP, SUB),),
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: (("consumerGroup", GROUP, SUB),),
    RequestCode.UPDATE_CONSUMER_OFFSET: (("consumerGroup", GROUP, SUB), ("topic", TOPIC, SUB)),
}


def resources_of(request: Command) -> dict[str, int]:
    """Resource -> permission needed. RequestRefused when a body that names resources cannot be read."""
    rows = FIELDS.get(request.code)
    if rows is None:
        from_body = BODIES.get(request.code)
        return {} if from_body is None else from_body(request.body)
    ext = request.ext or {}
    needed = {}
    for name, kind, permission in rows:
        value = ext.get(name)
        if value is not None:
            needed[retry_topic(value) if kind is GROUP else value] = permission
    return needed


def _of_heartbeat(body: bytes | None) -> dict[str, int]:
    needed = {}
    for consumer in HeartbeatData.decode(body).consumer_data_set:
        needed[retry_topic(consumer.group_name)] = SUB
        for subscription in consumer.subscription_data_set:
            needed[subscription.topic] = SUB
    return needed


def _of_lock(body: bytes | None) -> dict[str, int]:
    return {retry_topic(LockBatchRequestBody.decode(body).consumer_group): SUB}


def _of_unlock(body: bytes | None) -> dict[str, int]:
    return {retry_topic(UnlockBatchRequestBody.decode(body).consumer_group): SUB}


BODIES: Mapping[int, Callable[[bytes | None], dict[str, int]]] = {
    RequestCode.HEART_BEAT: _of_heartbeat,
    RequestCode.LOCK_BATCH_MQ: _of_lock,
    RequestCode.UNLOCK_BATCH_MQ: _of_unlock,
}
