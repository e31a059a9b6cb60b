"""The JSON bodies of admin requests and their answers, and of what a broker asks clients."""

from dataclasses import dataclass, field
from typing import ClassVar

from rocketpy.protocol.bodies import ConsumeFromWhere, ConsumeType, MessageModel, SubscriptionData
from rocketpy.protocol.body import Body
from rocketpy.protocol.message_queue import MessageQueue


@dataclass(slots=True)
class GroupList(Body):
    """Names of groups."""

    group_list: list[str] = field(default_factory=list)


# ---- offsets and consumption


@dataclass(slots=True)
class TopicOffset(Body):
    """The ends of one queue."""

    min_offset: int = 0
    max_offset: int = 0
    last_update_timestamp: int = 0


@dataclass(slots=True)
class TopicStatsTable(Body):
    """The ends of every queue of a topic; code 202."""

    offset_table: dict[MessageQueue, TopicOffset] = field(default_factory=dict)


@dataclass(slots=True)
class OffsetWrapper(Body):
    """How far a group is in one queue."""

    broker_offset: int = 0
    consumer_offset: int = 0
    last_timestamp: int = 0


@dataclass(slots=True)
class ConsumeStats(Body):
    """How far a group is; code 208. A tps that was never measured is null."""

    offset_table: dict[MessageQueue, OffsetWrapper] = field(default_factory=dict)
    consume_tps: float = 0.0


@dataclass(slots=True)
class ConsumeStatsList(Body):
    """How far every group is; code 317."""

    consume_stats_list: list[dict[str, list[ConsumeStats]]] = field(default_factory=list)
    broker_addr: str | None = None
    total_diff: int = 0


@dataclass(slots=True)
class QueueTimeSpan(Body):
    """Times of the first, the last and the last consumed message of one queue."""

    message_queue: MessageQueue = field(default_factory=MessageQueue)
    min_time_stamp: int = 0
    max_time_stamp: int = 0
    consume_time_stamp: int = 0
    delay_time: int = 0
    min_time_stamp_str: str | None = None       # the three again as `yyyy-MM-dd#HH:mm:ss:SSS`
    max_time_stamp_str: str | None = None
    consume_time_stamp_str: str | None = None


@dataclass(slots=True)
class QueryConsumeTimeSpanBody(Body):
    """Times of every queue of a topic; code 303."""

    consume_time_span_set: list[QueueTimeSpan] = field(default_factory=list)


@dataclass(slots=True)
class QueryCorrectionOffsetBody(Body):
    """Offsets by queue id; code 308."""

    correction_offsets: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class ResetOffsetBody(Body):
    """New offsets of a group; codes 220 and 222."""

    offset_table: dict[MessageQueue, int] = field(default_factory=dict)


@dataclass(slots=True)
class MessageQueueForC(Body):
    """A queue with its new offset, as C++ clients read it."""

    topic: str = ""
    broker_name: str = ""
    queue_id: int = 0
    offset: int = 0


@dataclass(slots=True)
class ResetOffsetBodyForC(Body):
    """ResetOffsetBody for C++ clients, which cannot read objects as keys."""

    offset_table: list[MessageQueueForC] = field(default_factory=list)


@dataclass(slots=True)
class GetConsumerStatusBody(Body):
    """Offsets as clients have them; codes 221 (messageQueueTable) and 223 (consumerTable)."""

    message_queue_table: dict[MessageQueue, int] = field(default_factory=dict)
    consumer_table: dict[str, dict[MessageQueue, int]] = field(default_factory=dict)


# ---- clients


@dataclass(slots=True)
class Connection(Body):
    """One client as a broker sees it."""

    client_id: str = ""
    client_addr: str = ""
    language: str = "JAVA"
    version: int = 0


@dataclass(slots=True)
class ProducerConnection(Body):
    """The clients of a producer group; code 204."""

    connection_set: list[Connection] = field(default_factory=list)


@dataclass(slots=True)
class ConsumerConnection(Body):
    """The clients of a consumer group and what they want; code 203."""

    connection_set: list[Connection] = field(default_factory=list)
    subscription_table: dict[str, SubscriptionData] = field(default_factory=dict)
    consume_type: ConsumeType | None = None
    message_model: MessageModel | None = None
    consume_from_where: ConsumeFromWhere | None = None


@dataclass(slots=True)
class ProcessQueueInfo(Body):
    """What a client holds of one queue. `droped` is upstream's spelling."""

    commit_offset: int = 0
    cached_msg_min_offset: int = 0
    cached_msg_max_offset: int = 0
    cached_msg_count: int = 0
    cached_msg_size_in_mi_b: int = 0
    transaction_msg_min_offset: int = 0
    transaction_msg_max_offset: int = 0
    transaction_msg_count: int = 0
    locked: bool = False
    try_unlock_times: int = 0
    last_lock_timestamp: int = 0
    droped: bool = False
    last_pull_timestamp: int = 0
    last_consume_timestamp: int = 0


@dataclass(slots=True)
class ConsumeStatus(Body):
    """A client's rates for one topic."""

    WIRE_NAMES: ClassVar[dict[str, str]] = {
        "pull_rt": "pullRT",
        "pull_tps": "pullTPS",
        "consume_rt": "consumeRT",
        "consume_ok_tps": "consumeOKTPS",
        "consume_failed_tps": "consumeFailedTPS",
    }

    pull_rt: float = 0.0
    pull_tps: float = 0.0
    consume_rt: float = 0.0
    consume_ok_tps: float = 0.0
    consume_failed_tps: float = 0.0
    consume_failed_msgs: int = 0


@dataclass(slots=True)
class ConsumerRunningInfo(Body):
    """What a consumer is doing; code 307."""

    properties: dict[str, str] = field(default_factory=dict)
    subscription_set: list[SubscriptionData] = field(default_factory=list)
    mq_table: dict[MessageQueue, ProcessQueueInfo] = field(default_factory=dict)
    status_table: dict[str, ConsumeStatus] = field(default_factory=dict)
    jstack: str | None = None


@dataclass(slots=True)
class ConsumeMessageDirectlyResult(Body):
    """What came of consuming one message on request; code 309."""

    order: bool = False
    auto_commit: bool = True
    consume_result: str | None = None       # CR_SUCCESS, CR_LATER, CR_ROLLBACK, CR_COMMIT, CR_THROW_EXCEPTION, …
    remark: str | None = None
    spent_time_mills: int = 0


# ---- broker


@dataclass(slots=True)
class BrokerStatsItem(Body):
    """One counter over one span of time."""

    sum: int = 0
    tps: float = 0.0
    avgpt: float = 0.0


@dataclass(slots=True)
class BrokerStatsData(Body):
    """One counter over a minute, an hour and a day; code 315."""

    stats_minute: BrokerStatsItem = field(default_factory=BrokerStatsItem)
    stats_hour: BrokerStatsItem = field(default_factory=BrokerStatsItem)
    stats_day: BrokerStatsItem = field(default_factory=BrokerStatsItem)


@dataclass(slots=True)
class ConsumeQueueData(Body):
    """One consume queue entry."""

    physic_offset: int = 0
    physic_size: int = 0
    tags_code: int = 0
    extend_data_json: str | None = None
    bit_map: str | None = None
    eval: bool = False
    msg: str | None = None


@dataclass(slots=True)
class QueryConsumeQueueResponseBody(Body):
    """Consume queue entries; code 321. Upstream never fills the first three."""

    subscription_data: SubscriptionData | None = None
    filter_data: str | None = None
    queue_data: list[ConsumeQueueData] | None = None
    max_queue_index: int = 0
    min_queue_index: int = 0
