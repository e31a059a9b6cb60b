"""A small asyncio client of the wire, for RocketPy's brokers and Java's alike.

async with Producer("127.0.0.1:9876", "my_producers") as producer:
    await producer.send(new_message("TopicTest", b"hello", tags="TagA"))

async with PullConsumer("127.0.0.1:9876", "my_consumers") as consumer:
    async for message in consumer.messages("TopicTest"):
        print(message.body)
"""

from rocketpy.client.admin import Admin
from rocketpy.client.calls import BrokerRefused, ClientError, NoRoute
from rocketpy.client.messages import new_message, unique_id
from rocketpy.client.producer import Producer, SendResult, SendStatus
from rocketpy.client.pull_consumer import PullConsumer, PullResult, PullStatus

__all__ = [
    "Admin",
    "BrokerRefused",
    "ClientError",
    "NoRoute",
    "Producer",
    "PullConsumer",
    "PullResult",
    "PullStatus",
    "SendResult",
    "SendStatus",
    "new_message",
    "unique_id",
]
