"""The admin calls that quickstart and tests need; the whole of mqadmin is another room."""

from __future__ import annotations

from rocketpy._core.command import request
from rocketpy._core.message import Message, decode_message, decode_messages
from rocketpy.client.admin_topics import cluster, delete_topic_in_broker
from rocketpy.client.calls import BrokerRefused, Calls
from rocketpy.protocol.bodies import ClusterInfo, KVTable, TopicConfig
from rocketpy.protocol.codes import RequestCode, ResponseCode


class Admin(Calls):
    """Asks name servers and brokers about themselves, and tells brokers of topics and groups."""

    async def cluster(self) -> ClusterInfo:
        """Clusters, broker sets and addresses."""
        return await cluster(self)

    async def create_topic(self, address: str, topic: TopicConfig) -> None:
        """Create or change a topic on one broker."""
        ext = {
            "topic": topic.topic_name,
            "defaultTopic": "TBW102",
            "readQueueNums": str(topic.read_queue_nums),
            "writeQueueNums": str(topic.write_queue_nums),
            "perm": str(topic.perm),
            "topicFilterType": topic.topic_filter_type,
            "topicSysFlag": str(topic.topic_sys_flag),
            "order": "true" if topic.order else "false",
        }
        await self.ask(address, request(RequestCode.UPDATE_AND_CREATE_TOPIC, ext))

    async def delete_topic(self, address: str, topic: str) -> None:
        """Delete a topic on one broker; the name servers keep its route."""
        await delete_topic_in_broker(self, address, topic)

    async def runtime_info(self, address: str) -> dict[str, str]:
        """A broker's figures."""
        answer = await self.ask(address, request(RequestCode.GET_BROKER_RUNTIME_INFO))
        return KVTable.decode(answer.body or b"{}").table

    async def view_message(self, address: str, physical_offset: int) -> Message:
        """The message at a place in a broker's commit log."""
        ext = {"offset": str(physical_offset)}
        answer = await self.ask(address, request(RequestCode.VIEW_MESSAGE_BY_ID, ext))
        return decode_message(answer.body or b"")

    async def query_message(
        self, address: str, topic: str, key: str, max_num: int = 32, begin_ms: int = 0, end_ms: int = 2**63 - 1
    ) -> list[Message]:
        """A broker's messages with a key, or unique id."""
        ext = {
            "topic": topic,
            "key": key,
            "maxNum": str(max_num),
            "beginTimestamp": str(begin_ms),
            "endTimestamp": str(end_ms),
        }
        try:
            answer = await self.ask(address, request(RequestCode.QUERY_MESSAGE, ext))
        except BrokerRefused as refusal:
            if refusal.code != ResponseCode.QUERY_NOT_FOUND:
                raise
            return []
        found = decode_messages(answer.body or b"")
        return [message for message in found if _has_key(message, topic, key)]


def _has_key(message: Message, topic: str, key: str) -> bool:
    keys = (message.get_property("KEYS") or "").split(" ")
    return message.topic == topic and (key in keys or key == message.get_property("UNIQ_KEY"))
