"""LOCK_BATCH_MQ and UNLOCK_BATCH_MQ: one orderly consumer of a group at a time for a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, success
from rocketpy.protocol.bodies import LockBatchRequestBody, LockBatchResponseBody, UnlockBatchRequestBody

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


def lock_batch_mq(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Lock what is free or already the client's own; answer which queues it holds now."""
    asked = LockBatchRequestBody.decode(request.body)
    held = broker.locks.lock_batch(asked.consumer_group, asked.mq_set, asked.client_id)
    return success(LockBatchResponseBody(held).encode())


def unlock_batch_mq(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Release the client's own locks; another's stay."""
    asked = UnlockBatchRequestBody.decode(request.body)
    broker.locks.unlock_batch(asked.consumer_group, asked.mq_set, asked.client_id)
    return success()
