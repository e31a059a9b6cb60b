"""The header classes of the wire, one dataclass each: what stands in a command's extFields under upstream's names.

A field without a default is required. Classes keep upstream's names, so that its docs can be searched for them.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import Header, Int, Long, refused
from rocketpy.protocol.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_NOT_TYPE, TRANSACTION_ROLLBACK_TYPE


@dataclass(slots=True, kw_only=True)
class CheckTransactionStateRequestHeader(Header):
    tran_state_table_offset: Long
    commit_log_offset: Long
    msg_id: str | None = None
    transaction_id: str | None = None
    offset_msg_id: str | None = None


@dataclass(slots=True, kw_only=True)
class CheckTransactionStateResponseHeader(Header):
    producer_group: str
    tran_state_table_offset: Long
    commit_log_offset: Long
    commit_or_rollback: Int


@dataclass(slots=True, kw_only=True)
class CloneGroupOffsetRequestHeader(Header):
    src_group: str
    dest_group: str
    topic: str | None = None
    offline: bool = False


@dataclass(slots=True, kw_only=True)
class ConsumeMessageDirectlyResultRequestHeader(Header):
    consumer_group: str
    client_id: str | None = None
    msg_id: str | None = None
    broker_name: str | None = None


@dataclass(slots=True, kw_only=True)
class ConsumerSendMsgBackRequestHeader(Header):
    offset: Long
    group: str
    delay_level: Int
    origin_msg_id: str | None = None
    origin_topic: str | None = None
    unit_mode: bool = False
    max_reconsume_times: Int | None = None


@dataclass(slots=True, kw_only=True)
class CreateAccessConfigRequestHeader(Header):
    access_key: str
    secret_key: str | None = field(default=None, repr=False)
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: str | None = None
    group_perms: str | None = None


@dataclass(slots=True, kw_only=True)
class CreateTopicRequestHeader(Header):
    topic: str
    default_topic: str
    read_queue_nums: Int
    write_queue_nums: Int
    perm: Int
    topic_filter_type: str
    topic_sys_flag: Int | None = None
    order: bool

    def check(self) -> None:
        if self.topic_filter_type not in ("SINGLE_TAG", "MULTI_TAG"):
            raise refused("topicFilterType", f"is neither SINGLE_TAG nor MULTI_TAG: {self.topic_filter_type!r}")


@dataclass(slots=True, kw_only=True)
class DeleteAccessConfigRequestHeader(Header):
    access_key: str


@dataclass(slots=True, kw_only=True)
class DeleteKVConfigRequestHeader(Header):
    namespace: str
    key: str


@dataclass(slots=True, kw_only=True)
class DeleteSubscriptionGroupRequestHeader(Header):
    group_name: str


@dataclass(slots=True, kw_only=True)
class DeleteTopicInNamesrvRequestHeader(Header):
    topic: str


@dataclass(slots=True, kw_only=True)
class DeleteTopicRequestHeader(Header):
    topic: str


@dataclass(slots=True, kw_only=True)
class EndTransactionRequestHeader(Header):
    producer_group: str
    tran_state_table_offset: Long
    commit_log_offset: Long
    commit_or_rollback: Int
    from_transaction_check: bool = False
    msg_id: str
    transaction_id: str | None = None

    def check(self) -> None:
        if self.commit_or_rollback not in (TRANSACTION_NOT_TYPE, TRANSACTION_COMMIT_TYPE, TRANSACTION_ROLLBACK_TYPE):
            raise refused("commitOrRollback", f"is none of 0, 8 and 12: {self.commit_or_rollback}")


@dataclass(slots=True, kw_only=True)
class GetBrokerAclConfigResponseHeader(Header):
    version: str
    broker_name: str
    broker_addr: str
    cluster_name: str


@dataclass(slots=True, kw_only=True)
class GetBrokerConfigResponseHeader(Header):
    version: str


@dataclass(slots=True, kw_only=True)
class GetConsumeStatsInBrokerHeader(Header):
    is_order: bool


@dataclass(slots=True, kw_only=True)
class GetConsumeStatsRequestHeader(Header):
    consumer_group: str
    topic: str | None = None


@dataclass(slots=True, kw_only=True)
class GetConsumerConnectionListRequestHeader(Header):
    consumer_group: str


@dataclass(slots=True, kw_only=True)
class GetConsumerListByGroupRequestHeader(Header):
    consumer_group: str


@dataclass(slots=True, kw_only=True)
class GetConsumerRunningInfoRequestHeader(Header):
    consumer_group: str
    client_id: str
    jstack_enable: bool = False


@dataclass(slots=True, kw_only=True)
class GetConsumerStatusRequestHeader(Header):
    topic: str
    group: str
    client_addr: str | None = None


@dataclass(slots=True, kw_only=True)
class GetEarliestMsgStoretimeRequestHeader(Header):
    topic: str
    queue_id: Int


@dataclass(slots=True, kw_only=True)
class GetEarliestMsgStoretimeResponseHeader(Header):
    timestamp: Long


@dataclass(slots=True, kw_only=True)
class GetKVConfigRequestHeader(Header):
    namespace: str
    key: str


@dataclass(slots=True, kw_only=True)
class GetKVConfigResponseHeader(Header):
    value: str | None = None


@dataclass(slots=True, kw_only=True)
class GetKVListByNamespaceRequestHeader(Header):
    namespace: str


@dataclass(slots=True, kw_only=True)
class GetMaxOffsetRequestHeader(Header):
    topic: str
    queue_id: Int


@dataclass(slots=True, kw_only=True)
class GetMaxOffsetResponseHeader(Header):
    offset: Long


@dataclass(slots=True, kw_only=True)
class GetMinOffsetRequestHeader(Header):
    topic: str
    queue_id: Int


@dataclass(slots=True, kw_only=True)
class GetMinOffsetResponseHeader(Header):
    offset: Long


@dataclass(slots=True, kw_only=True)
class GetProducerConnectionListRequestHeader(Header):
    producer_group: str


@dataclass(slots=True, kw_only=True)
class GetRouteInfoRequestHeader(Header):
    topic: str


@dataclass(slots=True, kw_only=True)
class GetTopicStatsInfoRequestHeader(Header):
    topic: str


@dataclass(slots=True, kw_only=True)
class GetTopicsByClusterRequestHeader(Header):
    cluster: str


@dataclass(slots=True, kw_only=True)
class NotifyConsumerIdsChangedRequestHeader(Header):
    consumer_group: str


@dataclass(slots=True, kw_only=True)
class PullMessageRequestHeader(Header):
    consumer_group: str
    topic: str
    queue_id: Int
    queue_offset: Long
    max_msg_nums: Int
    sys_flag: Int
    commit_offset: Long
    suspend_timeout_millis: Long
    subscription: str | None = None
    sub_version: Long
    expression_type: str | None = None


@dataclass(slots=True, kw_only=True)
class PullMessageResponseHeader(Header):
    suggest_which_broker_id: Long
    next_begin_offset: Long
    min_offset: Long
    max_offset: Long


@dataclass(slots=True, kw_only=True)
class PutKVConfigRequestHeader(Header):
    namespace: str
    key: str
    value: str


@dataclass(slots=True, kw_only=True)
class QueryConsumeQueueRequestHeader(Header):
    topic: str | None = None
    queue_id: Int | None = None
    index: Long | None = None
    count: Int | None = None
    consumer_group: str | None = None


@dataclass(slots=True, kw_only=True)
class QueryConsumeTimeSpanRequestHeader(Header):
    topic: str
    group: str


@dataclass(slots=True, kw_only=True)
class QueryConsumerOffsetRequestHeader(Header):
    consumer_group: str
    topic: str
    queue_id: Int


@dataclass(slots=True, kw_only=True)
class QueryConsumerOffsetResponseHeader(Header):
    offset: Long


@dataclass(slots=True, kw_only=True)
class QueryCorrectionOffsetHeader(Header):
    filter_groups: str | None = None
    compare_group: str
    topic: str


@dataclass(slots=True, kw_only=True)
class QueryDataVersionRequestHeader(Header):
    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: Long


@dataclass(slots=True, kw_only=True)
class QueryDataVersionResponseHeader(Header):
    changed: bool


@dataclass(slots=True, kw_only=True)
class QueryMessageRequestHeader(Header):
    topic: str
    key: str
    max_num: Int
    begin_timestamp: Long
    end_timestamp: Long


@dataclass(slots=True, kw_only=True)
class QueryMessageResponseHeader(Header):
    index_last_update_timestamp: Long
    index_last_update_phyoffset: Long


@dataclass(slots=True, kw_only=True)
class QueryTopicConsumeByWhoRequestHeader(Header):
    topic: str


@dataclass(slots=True, kw_only=True)
class RegisterBrokerRequestHeader(Header):
    broker_name: str
    broker_addr: str
    cluster_name: str
    ha_server_addr: str
    broker_id: Long
    compressed: bool = False
    body_crc32: Int | None = None


@dataclass(slots=True, kw_only=True)
class RegisterBrokerResponseHeader(Header):
    ha_server_addr: str | None = None
    master_addr: str | None = None


@dataclass(slots=True, kw_only=True)
class RegisterFilterServerRequestHeader(Header):
    filter_server_addr: str


@dataclass(slots=True, kw_only=True)
class RegisterFilterServerResponseHeader(Header):
    broker_name: str
    broker_id: Long


@dataclass(slots=True, kw_only=True)
class RegisterMessageFilterClassRequestHeader(Header):
    WIRE_NAMES: ClassVar[dict[str, str]] = {"class_crc": "classCRC"}

    consumer_group: str
    topic: str
    class_name: str
    class_crc: Int


@dataclass(slots=True, kw_only=True)
class RegisterOrderTopicRequestHeader(Header):
    topic: str
    order_topic_string: str


@dataclass(slots=True, kw_only=True)
class ResetOffsetRequestHeader(Header):
    topic: str
    group: str
    timestamp: Long
    is_force: bool


@dataclass(slots=True, kw_only=True)
class ResumeCheckHalfMessageRequestHeader(Header):
    msg_id: str | None = None


@dataclass(slots=True, kw_only=True)
class SearchOffsetRequestHeader(Header):
    topic: str
    queue_id: Int
    timestamp: Long


@dataclass(slots=True, kw_only=True)
class SearchOffsetResponseHeader(Header):
    offset: Long


@dataclass(slots=True, kw_only=True)
class SendMessageRequestHeader(Header):
    producer_group: str
    topic: str
    default_topic: str
    default_topic_queue_nums: Int
    queue_id: Int
    sys_flag: Int
    born_timestamp: Long
    flag: Int
    properties: str | None = None
    reconsume_times: Int | None = None
    unit_mode: bool = False
    batch: bool = False
    max_reconsume_times: Int | None = None


@dataclass(slots=True, kw_only=True)
class SendMessageRequestHeaderV2(SendMessageRequestHeader):
    """The same fields under one-letter names: codes 310 and 320."""

    WIRE_NAMES: ClassVar[dict[str, str]] = {
        "producer_group": "a",
        "topic": "b",
        "default_topic": "c",
        "default_topic_queue_nums": "d",
        "queue_id": "e",
        "sys_flag": "f",
        "born_timestamp": "g",
        "flag": "h",
        "properties": "i",
        "reconsume_times": "j",
        "unit_mode": "k",
        "max_reconsume_times": "l",
        "batch": "m",
    }


@dataclass(slots=True, kw_only=True)
class SendMessageResponseHeader(Header):
    msg_id: str
    queue_id: Int
    queue_offset: Long
    transaction_id: str | None = None


@dataclass(slots=True, kw_only=True)
class UnRegisterBrokerRequestHeader(Header):
    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: Long


@dataclass(slots=True, kw_only=True)
class UnregisterClientRequestHeader(Header):
    WIRE_NAMES: ClassVar[dict[str, str]] = {"client_id": "clientID"}

    client_id: str
    producer_group: str | None = None
    consumer_group: str | None = None


@dataclass(slots=True, kw_only=True)
class UpdateConsumerOffsetRequestHeader(Header):
    consumer_group: str
    topic: str
    queue_id: Int
    commit_offset: Long


@dataclass(slots=True, kw_only=True)
class UpdateGlobalWhiteAddrsConfigRequestHeader(Header):
    global_white_addrs: str


@dataclass(slots=True, kw_only=True)
class ViewBrokerStatsDataRequestHeader(Header):
    stats_name: str
    stats_key: str


@dataclass(slots=True, kw_only=True)
class ViewMessageRequestHeader(Header):
    offset: Long


@dataclass(slots=True, kw_only=True)
class WipeWritePermOfBrokerRequestHeader(Header):
    broker_name: str


@dataclass(slots=True, kw_only=True)
class WipeWritePermOfBrokerResponseHeader(Header):
    wipe_topic_count: Int


@dataclass(slots=True, kw_only=True)
class EmptyResponseHeader(Header):
    """A response built with it carries `"extFields":{}`: UnregisterClient-, UpdateConsumerOffset-, ViewMessage-,
    GetAllTopicConfig-, GetConsumerListByGroup- and EndTransactionResponseHeader of upstream."""


# Which header a request of each code carries; a code not named here has none.
REQUEST_HEADERS: dict[RequestCode, type[Header]] = {
    RequestCode.SEND_MESSAGE: SendMessageRequestHeader,
    RequestCode.SEND_MESSAGE_V2: SendMessageRequestHeaderV2,
    RequestCode.SEND_BATCH_MESSAGE: SendMessageRequestHeaderV2,
    RequestCode.PULL_MESSAGE: PullMessageRequestHeader,
    RequestCode.QUERY_MESSAGE: QueryMessageRequestHeader,
    RequestCode.QUERY_CONSUMER_OFFSET: QueryConsumerOffsetRequestHeader,
    RequestCode.UPDATE_CONSUMER_OFFSET: UpdateConsumerOffsetRequestHeader,
    RequestCode.UPDATE_AND_CREATE_TOPIC: CreateTopicRequestHeader,
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: SearchOffsetRequestHeader,
    RequestCode.GET_MAX_OFFSET: GetMaxOffsetRequestHeader,
    RequestCode.GET_MIN_OFFSET: GetMinOffsetRequestHeader,
    RequestCode.GET_EARLIEST_MSG_STORETIME: GetEarliestMsgStoretimeRequestHeader,
    RequestCode.VIEW_MESSAGE_BY_ID: ViewMessageRequestHeader,
    RequestCode.UNREGISTER_CLIENT: UnregisterClientRequestHeader,
    RequestCode.CONSUMER_SEND_MSG_BACK: ConsumerSendMsgBackRequestHeader,
    RequestCode.END_TRANSACTION: EndTransactionRequestHeader,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: GetConsumerListByGroupRequestHeader,
    RequestCode.CHECK_TRANSACTION_STATE: CheckTransactionStateRequestHeader,
    RequestCode.NOTIFY_CONSUMER_IDS_CHANGED: NotifyConsumerIdsChangedRequestHeader,
    RequestCode.UPDATE_AND_CREATE_ACL_CONFIG: CreateAccessConfigRequestHeader,
    RequestCode.DELETE_ACL_CONFIG: DeleteAccessConfigRequestHeader,
    RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG: UpdateGlobalWhiteAddrsConfigRequestHeader,
    RequestCode.PUT_KV_CONFIG: PutKVConfigRequestHeader,
    RequestCode.GET_KV_CONFIG: GetKVConfigRequestHeader,
    RequestCode.DELETE_KV_CONFIG: DeleteKVConfigRequestHeader,
    RequestCode.REGISTER_BROKER: RegisterBrokerRequestHeader,
    RequestCode.UNREGISTER_BROKER: UnRegisterBrokerRequestHeader,
    RequestCode.GET_ROUTEINTO_BY_TOPIC: GetRouteInfoRequestHeader,
    RequestCode.GET_TOPIC_STATS_INFO: GetTopicStatsInfoRequestHeader,
    RequestCode.GET_CONSUMER_CONNECTION_LIST: GetConsumerConnectionListRequestHeader,
    RequestCode.GET_PRODUCER_CONNECTION_LIST: GetProducerConnectionListRequestHeader,
    RequestCode.WIPE_WRITE_PERM_OF_BROKER: WipeWritePermOfBrokerRequestHeader,
    RequestCode.DELETE_SUBSCRIPTIONGROUP: DeleteSubscriptionGroupRequestHeader,
    RequestCode.GET_CONSUME_STATS: GetConsumeStatsRequestHeader,
    RequestCode.DELETE_TOPIC_IN_BROKER: DeleteTopicRequestHeader,
    RequestCode.DELETE_TOPIC_IN_NAMESRV: DeleteTopicInNamesrvRequestHeader,
    RequestCode.GET_KVLIST_BY_NAMESPACE: GetKVListByNamespaceRequestHeader,
    RequestCode.RESET_CONSUMER_CLIENT_OFFSET: ResetOffsetRequestHeader,
    RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT: GetConsumerStatusRequestHeader,
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET: ResetOffsetRequestHeader,
    RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS: GetConsumerStatusRequestHeader,
    RequestCode.GET_TOPICS_BY_CLUSTER: GetTopicsByClusterRequestHeader,
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO: QueryTopicConsumeByWhoRequestHeader,
    RequestCode.REGISTER_FILTER_SERVER: RegisterFilterServerRequestHeader,
    RequestCode.REGISTER_MESSAGE_FILTER_CLASS: RegisterMessageFilterClassRequestHeader,
    RequestCode.QUERY_CONSUME_TIME_SPAN: QueryConsumeTimeSpanRequestHeader,
    RequestCode.GET_CONSUMER_RUNNING_INFO: GetConsumerRunningInfoRequestHeader,
    RequestCode.QUERY_CORRECTION_OFFSET: QueryCorrectionOffsetHeader,
    RequestCode.CONSUME_MESSAGE_DIRECTLY: ConsumeMessageDirectlyResultRequestHeader,
    RequestCode.CLONE_GROUP_OFFSET: CloneGroupOffsetRequestHeader,
    RequestCode.VIEW_BROKER_STATS_DATA: ViewBrokerStatsDataRequestHeader,
    RequestCode.GET_BROKER_CONSUME_STATS: GetConsumeStatsInBrokerHeader,
    RequestCode.QUERY_CONSUME_QUEUE: QueryConsumeQueueRequestHeader,
    RequestCode.QUERY_DATA_VERSION: QueryDataVersionRequestHeader,
    RequestCode.RESUME_CHECK_HALF_MESSAGE: ResumeCheckHalfMessageRequestHeader,
}

# Which header a successful answer carries; others answer without extFields.
RESPONSE_HEADERS: dict[RequestCode, type[Header]] = {
    RequestCode.SEND_MESSAGE: SendMessageResponseHeader,
    RequestCode.SEND_MESSAGE_V2: SendMessageResponseHeader,
    RequestCode.SEND_BATCH_MESSAGE: SendMessageResponseHeader,
    RequestCode.PULL_MESSAGE: PullMessageResponseHeader,
    RequestCode.QUERY_MESSAGE: QueryMessageResponseHeader,
    RequestCode.QUERY_CONSUMER_OFFSET: QueryConsumerOffsetResponseHeader,
    RequestCode.UPDATE_CONSUMER_OFFSET: EmptyResponseHeader,
    RequestCode.GET_ALL_TOPIC_CONFIG: EmptyResponseHeader,
    RequestCode.GET_BROKER_CONFIG: GetBrokerConfigResponseHeader,
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: SearchOffsetResponseHeader,
    RequestCode.GET_MAX_OFFSET: GetMaxOffsetResponseHeader,
    RequestCode.GET_MIN_OFFSET: GetMinOffsetResponseHeader,
    RequestCode.GET_EARLIEST_MSG_STORETIME: GetEarliestMsgStoretimeResponseHeader,
    RequestCode.UNREGISTER_CLIENT: EmptyResponseHeader,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: EmptyResponseHeader,
    RequestCode.CHECK_TRANSACTION_STATE: CheckTransactionStateResponseHeader,
    RequestCode.GET_BROKER_CLUSTER_ACL_INFO: GetBrokerAclConfigResponseHeader,
    RequestCode.GET_KV_CONFIG: GetKVConfigResponseHeader,
    RequestCode.REGISTER_BROKER: RegisterBrokerResponseHeader,
    RequestCode.WIPE_WRITE_PERM_OF_BROKER: WipeWritePermOfBrokerResponseHeader,
    RequestCode.REGISTER_FILTER_SERVER: RegisterFilterServerResponseHeader,
    RequestCode.QUERY_DATA_VERSION: QueryDataVersionResponseHeader,
}
