"""The JSON bodies of the wire: routes, clients, topics, groups, offsets, locks.

Classes and members have upstream's names; members are written sorted. Bodies of admin answers are in `admin_bodies`.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from rocketpy.protocol.body import Body
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.perm import perm_text

__all__ = [
    "BrokerData",
    "CheckClientRequestBody",
    "ClusterInfo",
    "ConsumeFromWhere",
    "ConsumeType",
    "ConsumerData",
    "DataVersion",
    "GetConsumerListByGroupResponseBody",
    "HeartbeatData",
    "KVTable",
    "LockBatchRequestBody",
    "LockBatchResponseBody",
    "MessageModel",
    "MessageQueue",
    "OffsetMovedEvent",
    "ProducerData",
    "QueueData",
    "RegisterBrokerBody",
    "SubscriptionData",
    "SubscriptionGroupConfig",
    "SubscriptionGroupWrapper",
    "TopicConfig",
    "TopicConfigSerializeWrapper",
    "TopicList",
    "TopicRouteData",
    "UnlockBatchRequestBody",
]


class ConsumeType(Enum):
    """How a consumer gets its messages; the value is what `mqadmin` prints."""

    CONSUME_ACTIVELY = "PULL"
    CONSUME_PASSIVELY = "PUSH"


class MessageModel(Enum):
    """Who of a group gets a message; the value is what the Java client calls it."""

    BROADCASTING = "BROADCASTING"
    CLUSTERING = "CLUSTERING"


class ConsumeFromWhere(Enum):
    """Where a group without offsets begins."""

    CONSUME_FROM_LAST_OFFSET = 0
    CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST = 1
    CONSUME_FROM_MIN_OFFSET = 2
    CONSUME_FROM_MAX_OFFSET = 3
    CONSUME_FROM_FIRST_OFFSET = 4
    CONSUME_FROM_TIMESTAMP = 5


# ---- versions, topics and groups


@dataclass(slots=True)
class DataVersion(Body):
    """When a table was last changed and how often; equal versions mean equal tables."""

    timestamp: int = 0
    counter: int = 0


@dataclass(slots=True)
class TopicConfig(Body):
    """A topic on one broker."""

    topic_name: str = ""
    read_queue_nums: int = 16
    write_queue_nums: int = 16
    perm: int = 6
    topic_filter_type: str = "SINGLE_TAG"
    topic_sys_flag: int = 0
    order: bool = False

    def __str__(self) -> str:
        """TopicConfig.toString has the permission in letters."""
        return Body.__str__(self).replace(f", perm={self.perm},", f", perm={perm_text(self.perm)},", 1)


@dataclass(slots=True)
class TopicConfigSerializeWrapper(Body):
    """All topics of one broker."""

    topic_config_table: dict[str, TopicConfig] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


@dataclass(slots=True)
class SubscriptionGroupConfig(Body):
    """A consumer group on one broker."""

    group_name: str = ""
    consume_enable: bool = True
    consume_from_min_enable: bool = True
    consume_broadcast_enable: bool = True
    retry_queue_nums: int = 1
    retry_max_times: int = 16
    broker_id: int = 0
    which_broker_when_consume_slowly: int = 1
    notify_consumer_ids_changed_enable: bool = True


@dataclass(slots=True)
class SubscriptionGroupWrapper(Body):
    """All consumer groups of one broker."""

    subscription_group_table: dict[str, SubscriptionGroupConfig] = field(default_factory=dict)
    data_version: DataVersion = field(default_factory=DataVersion)


# ---- name server


@dataclass(slots=True)
class QueueData(Body):
    """What one broker holds of a topic."""

    broker_name: str | None = None
    read_queue_nums: int = 0
    write_queue_nums: int = 0
    perm: int = 0
    topic_syn_flag: int = 0


@dataclass(slots=True)
class BrokerData(Body):
    """A broker name with the addresses of its master (0) and slaves."""

    cluster: str | None = None
    broker_name: str | None = None
    broker_addrs: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class TopicRouteData(Body):
    """Where a topic is."""

    order_topic_conf: str | None = None
    queue_datas: list[QueueData] = field(default_factory=list)
    broker_datas: list[BrokerData] = field(default_factory=list)
    filter_server_table: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class ClusterInfo(Body):
    """All brokers and the clusters they belong to."""

    broker_addr_table: dict[str, BrokerData] = field(default_factory=dict)
    cluster_addr_table: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class TopicList(Body):
    """Names of topics."""

    topic_list: list[str] = field(default_factory=list)
    broker_addr: str | None = None


@dataclass(slots=True)
class KVTable(Body):
    """Names and values."""

    table: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class RegisterBrokerBody(Body):
    """What a broker tells a name server; code 103."""

    topic_config_serialize_wrapper: TopicConfigSerializeWrapper = field(default_factory=TopicConfigSerializeWrapper)
    filter_server_list: list[str] = field(default_factory=list)


# ---- clients


@dataclass(slots=True)
class SubscriptionData(Body):
    """What of a topic a group wants."""

    class_filter_mode: bool = False
    topic: str = ""
    sub_string: str | None = None
    tags_set: frozenset[str] = frozenset()
    code_set: frozenset[int] = frozenset()      # Java hash codes of the tags
    sub_version: int = 0
    expression_type: str = "TAG"


@dataclass(slots=True)
class ProducerData(Body):
    """A producer group of a client."""

    group_name: str = ""


@dataclass(slots=True)
class ConsumerData(Body):
    """A consumer group of a client."""

    group_name: str = ""
    consume_type: ConsumeType | None = None
    message_model: MessageModel | None = None
    consume_from_where: ConsumeFromWhere | None = None
    subscription_data_set: list[SubscriptionData] = field(default_factory=list)
    unit_mode: bool = False


@dataclass(slots=True)
class HeartbeatData(Body):
    """What a client is; code 34."""

    WIRE_NAMES: ClassVar[dict[str, str]] = {"client_id": "clientID"}

    client_id: str = ""
    producer_data_set: list[ProducerData] = field(default_factory=list)
    consumer_data_set: list[ConsumerData] = field(default_factory=list)


@dataclass(slots=True)
class CheckClientRequestBody(Body):
    """A subscription to be checked before a consumer starts; code 46."""

    client_id: str = ""
    group: str = ""
    subscription_data: SubscriptionData = field(default_factory=SubscriptionData)


@dataclass(slots=True)
class GetConsumerListByGroupResponseBody(Body):
    """Client ids of a group; code 38."""

    consumer_id_list: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LockBatchRequestBody(Body):
    """Queues a client of an orderly group wants to itself; code 41."""

    consumer_group: str = ""
    client_id: str = ""
    mq_set: set[MessageQueue] = field(default_factory=set)


@dataclass(slots=True)
class UnlockBatchRequestBody(Body):
    """Queues a client gives back; code 42."""

    consumer_group: str = ""
    client_id: str = ""
    mq_set: set[MessageQueue] = field(default_factory=set)


@dataclass(slots=True)
class LockBatchResponseBody(Body):
    """The queues it got."""

    WIRE_NAMES: ClassVar[dict[str, str]] = {"lock_ok_mq_set": "lockOKMQSet"}

    lock_ok_mq_set: set[MessageQueue] = field(default_factory=set)


@dataclass(slots=True)
class OffsetMovedEvent(Body):
    """Body of a message in OFFSET_MOVED_EVENT: a pull asked for what is gone."""

    consumer_group: str = ""
    message_queue: MessageQueue = field(default_factory=MessageQueue)
    offset_request: int = 0
    offset_new: int = 0
