"""Settings of the broker's decisions."""

from rocketpy.config.namesrv import metrics_bind_address_setting, metrics_port_setting, rocketmq_home
from rocketpy.config.setting import IDENTITY, PATH, RUNS_CODE, SECURITY, Settings, derived, prop

ONE_LOOP = "one event loop serves every request; there are no thread pools"
NO_QUEUES = "how long a request has waited counts, not how many do"
NO_HOOKS = "there are no commercial statistics"
UNUSED = "upstream reads it never"
REPLICATION = "master/slave replication"
MIN_REGISTER_MS = 10_000
MAX_REGISTER_MS = 60_000


def without_blanks(addresses: str | None) -> str | None:
    """`a:1; b:2` as it is meant: upstream would look for a host named ` b`."""
    return addresses and ";".join(part.strip() for part in addresses.split(";")).rstrip(";")


class BrokerConfig(Settings):
    """Who the broker is, what it allows, and how it treats requests."""

    rocketmq_home = derived(
        "rocketmqHome", rocketmq_home, "folder of the release", default_text="$ROCKETMQ_HOME", fixed=PATH
    )
    namesrv_addr = derived(
        "namesrvAddr",
        lambda environment: environment.namesrv_addr,
        "name servers, `;`-separated",
        important=True,
        in_force=without_blanks,
        default_text="$NAMESRV_ADDR",
        hot=True,
    )
    broker_ip1 = derived(
        "brokerIP1",
        lambda environment: environment.address,
        "address given to clients and stored in messages",
        important=True,
        default_text="chosen from the interfaces",
        hot=True,
    )
    broker_ip2 = derived(
        "brokerIP2",
        lambda environment: environment.address,
        "address given to slaves",
        default_text="as brokerIP1",
        hot=True,
    )
    broker_name = derived(
        "brokerName",
        lambda environment: environment.host_name,
        "name of the broker set; a master and its slaves share it",
        important=True,
        default_text="host name",
        fixed=IDENTITY,
    )
    broker_cluster_name = prop(
        "brokerClusterName", "DefaultCluster", "cluster the broker belongs to", important=True, fixed=IDENTITY
    )
    broker_id = prop(
        "brokerId", 0, "0 is the master, above 0 a slave", java_type="long", important=True, fixed=IDENTITY
    )
    broker_permission = prop("brokerPermission", 6, "read (4) and write (2) permission of the broker", hot=True, high=7)
    default_topic_queue_nums = prop(
        "defaultTopicQueueNums", 8, "queues of TBW102, the template of topics made by a send", low=1
    )
    auto_create_topic_enable = prop(
        "autoCreateTopicEnable", True, "a send may create its topic", important=True, hot=True
    )
    cluster_topic_enable = prop("clusterTopicEnable", True, "the topic named as the cluster may be read and written")
    broker_topic_enable = prop("brokerTopicEnable", True, "the topic named as the broker may be read and written")
    auto_create_subscription_group = prop(
        "autoCreateSubscriptionGroup", True, "a consumer may create its group", important=True, hot=True
    )
    message_store_plug_in = prop(
        "messageStorePlugIn", "", "Java classes around the store", no_effect="Java classes cannot be loaded here",
        fixed=RUNS_CODE,
    )
    msg_trace_topic_name = prop("msgTraceTopicName", "RMQ_SYS_TRACE_TOPIC", "topic of message traces", important=True)
    trace_topic_enable = prop("traceTopicEnable", False, "create the trace topic at start", important=True)
    send_message_thread_pool_nums = prop("sendMessageThreadPoolNums", 1, "threads for sends", no_effect=ONE_LOOP)
    pull_message_thread_pool_nums = derived(
        "pullMessageThreadPoolNums",
        lambda environment: 16 + 2 * environment.cores,
        "threads for pulls",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="16 + 2 * cores",
    )
    query_message_thread_pool_nums = derived(
        "queryMessageThreadPoolNums",
        lambda environment: 8 + environment.cores,
        "threads for queries",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="8 + cores",
    )
    admin_broker_thread_pool_nums = prop("adminBrokerThreadPoolNums", 16, "threads for the rest", no_effect=ONE_LOOP)
    client_manage_thread_pool_nums = prop(
        "clientManageThreadPoolNums", 32, "threads for client registrations", no_effect=ONE_LOOP
    )
    consumer_manage_thread_pool_nums = prop(
        "consumerManageThreadPoolNums", 32, "threads for offsets", no_effect=ONE_LOOP
    )
    heartbeat_thread_pool_nums = derived(
        "heartbeatThreadPoolNums",
        lambda environment: min(32, environment.cores),
        "threads for heartbeats",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="cores, at most 32",
    )
    end_transaction_thread_pool_nums = derived(
        "endTransactionThreadPoolNums",
        lambda environment: 8 + 2 * environment.cores,
        "threads for ends of transactions",
        java_type="int",
        no_effect=ONE_LOOP,
        default_text="8 + 2 * cores",
    )
    flush_consumer_offset_interval = prop(
        "flushConsumerOffsetInterval", 5000, "pause between writes of consumerOffset.json, ms", low=1
    )
    flush_consumer_offset_history_interval = prop(
        "flushConsumerOffsetHistoryInterval", 60000, "not used by upstream either", no_effect=UNUSED
    )
    reject_transaction_message = prop(
        "rejectTransactionMessage", False, "refuse transactional sends", important=True, hot=True
    )
    fetch_namesrv_addr_by_address_server = prop(
        "fetchNamesrvAddrByAddressServer",
        False,
        "without namesrvAddr: ask an HTTP address server for name servers",
        important=True,
    )
    send_thread_pool_queue_capacity = prop(
        "sendThreadPoolQueueCapacity", 10000, "sends waiting for a thread", no_effect=NO_QUEUES
    )
    pull_thread_pool_queue_capacity = prop(
        "pullThreadPoolQueueCapacity", 100000, "pulls waiting for a thread", no_effect=NO_QUEUES
    )
    query_thread_pool_queue_capacity = prop(
        "queryThreadPoolQueueCapacity", 20000, "queries waiting for a thread", no_effect=NO_QUEUES
    )
    client_manager_thread_pool_queue_capacity = prop(
        "clientManagerThreadPoolQueueCapacity", 1000000, "registrations waiting for a thread", no_effect=NO_QUEUES
    )
    consumer_manager_thread_pool_queue_capacity = prop(
        "consumerManagerThreadPoolQueueCapacity", 1000000, "offset requests waiting for a thread", no_effect=NO_QUEUES
    )
    heartbeat_thread_pool_queue_capacity = prop(
        "heartbeatThreadPoolQueueCapacity", 50000, "heartbeats waiting for a thread", no_effect=NO_QUEUES
    )
    end_transaction_pool_queue_capacity = prop(
        "endTransactionPoolQueueCapacity", 100000, "ends of transactions waiting for a thread", no_effect=NO_QUEUES
    )
    filter_server_nums = prop(
        "filterServerNums", 0, "filter servers started beside the broker", no_effect="no process is ever started",
        fixed=RUNS_CODE,
    )
    long_polling_enable = prop("longPollingEnable", True, "hold a pull for as long as the consumer asks", hot=True)
    short_polling_time_mills = prop(
        "shortPollingTimeMills", 1000, "how long a pull is held otherwise, ms", java_type="long", hot=True
    )
    notify_consumer_ids_changed_enable = prop(
        "notifyConsumerIdsChangedEnable", True, "tell a group's consumers when one joins or leaves", hot=True
    )
    high_speed_mode = prop("highSpeedMode", False, "not used by upstream either", no_effect=UNUSED)
    commercial_enable = prop("commercialEnable", True, "commercial statistics", no_effect=NO_HOOKS)
    commercial_timer_count = prop("commercialTimerCount", 1, "weight of a delayed message", no_effect=NO_HOOKS)
    commercial_trans_count = prop("commercialTransCount", 1, "weight of a transaction", no_effect=NO_HOOKS)
    commercial_big_count = prop("commercialBigCount", 1, "weight of a big message", no_effect=NO_HOOKS)
    commercial_base_count = prop("commercialBaseCount", 1, "weight of a message", no_effect=NO_HOOKS)
    transfer_msg_by_heap = prop(
        "transferMsgByHeap",
        True,
        "copy pulled messages through the heap",
        no_effect="pulled messages go from the mapped file to the socket",
    )
    max_delay_time = prop("maxDelayTime", 40, "not used by upstream either", no_effect=UNUSED)
    region_id = prop("regionId", "DefaultRegion", "region named in replies to sends", hot=True)
    register_broker_timeout_mills = prop(
        "registerBrokerTimeoutMills", 6000, "wait for a name server's answer, ms", hot=True, low=1
    )
    slave_read_enable = prop("slaveReadEnable", False, "send consumers that are far behind to a slave", hot=True)
    disable_consume_if_consumer_read_slowly = prop(
        "disableConsumeIfConsumerReadSlowly", False, "stop groups that are far behind; pulls cost more then", hot=True
    )
    consumer_fallbehind_threshold = prop(
        "consumerFallbehindThreshold",
        17179869184,
        "bytes behind which a group is stopped",
        java_type="long",
        hot=True,
    )
    broker_fast_failure_enable = prop(
        "brokerFastFailureEnable", True, "answer requests that waited too long as busy", hot=True
    )
    wait_time_mills_in_send_queue = prop(
        "waitTimeMillsInSendQueue", 200, "too long for a send, ms", java_type="long", hot=True
    )
    wait_time_mills_in_pull_queue = prop(
        "waitTimeMillsInPullQueue", 5000, "too long for a pull, ms", java_type="long", hot=True
    )
    wait_time_mills_in_heartbeat_queue = prop(
        "waitTimeMillsInHeartbeatQueue", 31000, "too long for a heartbeat, ms", java_type="long", hot=True
    )
    wait_time_mills_in_transaction_queue = prop(
        "waitTimeMillsInTransactionQueue", 3000, "too long for a transaction, ms", java_type="long", hot=True
    )
    start_accept_send_request_time_stamp = prop(
        "startAcceptSendRequestTimeStamp", 0, "refuse sends before this time, ms since 1970", java_type="long", hot=True
    )
    trace_on = prop("traceOn", True, "tell producers that messages may be traced", hot=True)
    enable_calc_filter_bit_map = prop(
        "enableCalcFilterBitMap",
        False,
        "with enableConsumeQueueExt: note beside each message which groups' expressions are true for it",
    )
    expect_consumer_num_use_filter = prop(
        "expectConsumerNumUseFilter", 32, "consumer groups a topic for which those notes are made", low=1
    )
    max_error_rate_of_bloom_filter = prop(
        "maxErrorRateOfBloomFilter", 20, "how often such a note may be wrong, percent", low=1, high=99
    )
    filter_data_clean_time_span = prop(
        "filterDataCleanTimeSpan",
        86400000,
        "how long the filter of a group that is gone is kept, ms",
        java_type="long",
        hot=True,
    )
    filter_support_retry = prop(
        "filterSupportRetry", False, "retried messages are filtered as in the topic they come from", hot=True
    )
    enable_property_filter = prop(
        "enablePropertyFilter", False, "consumers may filter by SQL92 expressions over message properties", hot=True
    )
    compressed_register = prop("compressedRegister", False, "compress registrations", hot=True)
    force_register = prop("forceRegister", True, "register even when nothing changed", hot=True)
    register_name_server_period = prop(
        "registerNameServerPeriod",
        30000,
        "pause between registrations, ms; kept within 10000..60000",
        in_force=lambda period_ms: min(MAX_REGISTER_MS, max(MIN_REGISTER_MS, period_ms)),
        hot=True,
    )
    transaction_time_out = prop(
        "transactionTimeOut",
        6000,
        "age from which a transaction is checked, ms",
        java_type="long",
        important=True,
        hot=True,
    )
    transaction_check_max = prop(
        "transactionCheckMax",
        15,
        "checks before a transaction is given up",
        important=True,
        hot=True,
    )
    transaction_check_interval = prop(
        "transactionCheckInterval",
        60000,
        "pause between transaction checks, ms",
        java_type="long",
        important=True,
        low=1,
    )
    acl_enable = prop(
        "aclEnable", False, "ask for a signature on requests: docs/acl.md", important=True, fixed=SECURITY
    )
    acl_strict_admin = prop(
        "aclStrictAdmin",
        False,
        "ask for an admin's signature on every admin code, also from white-listed addresses; not in upstream",
        fixed=SECURITY,
    )
    metrics_port = metrics_port_setting()
    metrics_bind_address = metrics_bind_address_setting()
    metrics_row_limit = prop(
        "metricsRowLimit",
        50_000,
        "topics, pairs of topic and group, and producer groups whose metrics are told at most; not in upstream",
        hot=True,
    )
