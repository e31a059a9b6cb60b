"""What the broker answers to each code, and the tests that hold it: the rows of docs/protocol.md.

`python -m rocketpy.protocol_docs docs/protocol.md` writes the page; invariant: a row a code of SERVED, no other.
"""

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.codes_page import Answers

ANSWERS: dict[RequestCode, Answers] = {
    RequestCode.SEND_MESSAGE: Answers(
        "0 msgId, queueId, queueOffset; 10, 11, 12 stored, but disk or slave are late; 13 too large; 14 the "
        "store cannot write; 16; 17 no such topic",
        "test_a_send_makes_its_topic_and_tells_where_the_message_is, test_long_names_are_the_same_request, "
        "test_an_unknown_topic_without_auto_creation, test_a_body_over_max_message_size, "
        "test_a_store_that_cannot_write_says_so_with_its_disks",
    ),
    RequestCode.PULL_MESSAGE: Answers(
        "0 records; 19 nothing yet (held first); 20 none that is wanted; 21 another offset; 16, 17, 23 to 28 "
        "as refused; 1 where filters by SQL92 are not allowed",
        "test_found, test_only_the_tags_asked_for, test_the_end_of_a_queue, "
        "test_offsets_that_are_not_there_are_corrected_and_reported, test_refusals_in_their_order, "
        "test_messages_of_the_groups_expression, test_refusals_of_a_groups_filter_in_their_order, "
        "test_one_where_it_is_not_allowed_is_refused",
    ),
    RequestCode.END_TRANSACTION: Answers(
        "0, also when disk or slave are late; nothing when the producer does not know yet; 1 which of group, offset "
        "or half message is wrong, or what the store says; 11 from a slave; 13; 14",
        "test_a_commit_puts_the_message_to_its_queue, test_a_rollback_leaves_only_an_op, "
        "test_a_producer_that_does_not_know_yet_gets_no_answer, test_refusals, test_a_slave_ends_no_transaction, "
        "test_a_store_that_cannot_write_says_so_and_leaves_it_open",
    ),
    RequestCode.RESUME_CHECK_HALF_MESSAGE: Answers(
        "0 the half message is asked about again; 1 there is none, or it cannot be put",
        "test_a_given_up_half_message_is_taken_up_again, test_resuming_what_is_not_there, "
        "test_resuming_on_a_full_disk",
    ),
    RequestCode.QUERY_MESSAGE: Answers(
        "0 records, and how far the index reaches; 22",
        "test_messages_by_key_and_unique_key, test_nothing_found",
    ),
    RequestCode.QUERY_CONSUMER_OFFSET: Answers(
        "0 offset; 22 for a new group on a queue whose beginning is gone",
        "test_what_was_updated_is_answered, test_a_new_group_begins_where_the_queue_does",
    ),
    RequestCode.UPDATE_CONSUMER_OFFSET: Answers(
        "0",
        "test_what_was_updated_is_answered",
    ),
    RequestCode.UPDATE_AND_CREATE_TOPIC: Answers(
        "0; 1 for a name that is none",
        "test_create_topic, test_topic_names_that_are_none",
    ),
    RequestCode.GET_ALL_TOPIC_CONFIG: Answers(
        "0",
        "test_all_topics",
    ),
    RequestCode.UPDATE_BROKER_CONFIG: Answers(
        "0 when they are on disk; 1 the name and what is wrong with its value, or what the disk said; 16 what no "
        "request may change; then nothing of the request is done",
        "test_every_other_setting_is_shown_and_kept_and_in_force_when_its_row_says_so, "
        "test_a_bad_value_is_named_and_nothing_of_the_request_is_done, test_what_is_fixed_is_refused_and_stays, "
        "test_a_disk_that_refuses_is_told_and_nothing_changes, unit/broker/test_settings_in_force.py",
    ),
    RequestCode.GET_BROKER_CONFIG: Answers(
        "0 `key=value` lines, and the version of the settings",
        "test_offsets_and_settings_as_slaves_and_tools_read_them, test_the_version_goes_up",
    ),
    RequestCode.UPDATE_AND_CREATE_ACL_CONFIG: Answers(
        "0; 209 `The accesskey[<K>] corresponding to accessConfig has been updated failed.`, or why the account makes "
        "no sense",
        "test_an_account_is_made_and_changed, test_accounts_that_make_no_sense_are_refused, "
        "test_a_file_without_accounts_takes_none, test_without_access_control_there_is_nothing_to_change",
    ),
    RequestCode.DELETE_ACL_CONFIG: Answers(
        "0; 210 `The accesskey[<K>] corresponding to accessConfig has been deleted failed.`",
        "test_an_account_is_deleted, test_without_access_control_there_is_nothing_to_change",
    ),
    RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG: Answers(
        "0; 211 `The globalWhiteAddresses[<list>] has been updated failed.`, or which address is none",
        "test_the_global_white_list_is_replaced, test_without_access_control_there_is_nothing_to_change",
    ),
    RequestCode.GET_BROKER_CLUSTER_ACL_INFO: Answers(
        "0 version, brokerName, brokerAddr, clusterName; 1 without aclEnable",
        "test_which_version_the_rules_have, test_without_access_control_there_is_nothing_to_change",
    ),
    RequestCode.GET_BROKER_RUNTIME_INFO: Answers(
        "0",
        "test_every_key_and_every_format_is_upstreams, test_a_broker_that_has_just_started, "
        "test_counts_of_puts_and_gets, test_windows_fill_one_after_the_other, test_mornings",
    ),
    RequestCode.VIEW_BROKER_STATS_DATA: Answers(
        "0 sum, rate and average of a minute, an hour and a day; 1 a name or a key that never counted",
        "test_a_minute_an_hour_and_a_day, test_one_sample_alone_has_no_rate, "
        "test_what_never_counted_is_refused_in_upstreams_words",
    ),
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: Answers(
        "0 offset",
        "test_the_ends_of_a_queue",
    ),
    RequestCode.GET_MAX_OFFSET: Answers(
        "0 offset",
        "test_the_ends_of_a_queue",
    ),
    RequestCode.GET_MIN_OFFSET: Answers(
        "0 offset",
        "test_the_ends_of_a_queue",
    ),
    RequestCode.GET_EARLIEST_MSG_STORETIME: Answers(
        "0 timestamp, -1 without messages",
        "test_the_ends_of_a_queue",
    ),
    RequestCode.VIEW_MESSAGE_BY_ID: Answers(
        "0 record; 1 `can not find message by the offset, <n>`",
        "test_view",
    ),
    RequestCode.HEART_BEAT: Answers(
        "0; consumers of the group hear code 40 before it",
        "test_a_heartbeat_makes_the_groups_known, test_a_group_name_that_could_be_a_path",
    ),
    RequestCode.UNREGISTER_CLIENT: Answers(
        "0",
        "test_unregister",
    ),
    RequestCode.CONSUMER_SEND_MSG_BACK: Answers(
        "0, the message waits at its delay level or is a dead letter; 26 no such group",
        "test_a_message_comes_again_through_the_delay_levels, test_a_dead_letter, test_an_unknown_group",
    ),
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: Answers(
        "0 client ids; 1 `no consumer for this group, <G>`",
        "test_a_heartbeat_makes_the_groups_known, test_members_of_an_empty_group",
    ),
    RequestCode.LOCK_BATCH_MQ: Answers(
        "0 the queues now locked",
        "test_one_holder_a_queue",
    ),
    RequestCode.UNLOCK_BATCH_MQ: Answers(
        "0",
        "test_one_holder_a_queue",
    ),
    RequestCode.GET_ALL_CONSUMER_OFFSET: Answers(
        "0",
        "test_offsets_and_settings_as_slaves_and_tools_read_them",
    ),
    RequestCode.GET_ALL_DELAY_OFFSET: Answers(
        "0",
        "test_offsets_and_settings_as_slaves_and_tools_read_them",
    ),
    RequestCode.CHECK_CLIENT_CONFIG: Answers(
        "0; 23 the mistake in the expression and its place; 1 where filters by SQL92 are not allowed",
        "test_expressions_are_checked_before_they_are_used, test_only_tag_subscriptions_are_served",
    ),
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: Answers(
        "0; 1 for a name that is none",
        "test_groups",
    ),
    RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG: Answers(
        "0",
        "test_groups",
    ),
    RequestCode.GET_TOPIC_STATS_INFO: Answers(
        "0; 17",
        "test_topic_stats",
    ),
    RequestCode.GET_CONSUMER_CONNECTION_LIST: Answers(
        "0; 206 `the consumer group[<G>] not online`",
        "test_connections",
    ),
    RequestCode.GET_PRODUCER_CONNECTION_LIST: Answers(
        "0; 1 `the producer group[<G>] not exist`",
        "test_connections",
    ),
    RequestCode.DELETE_SUBSCRIPTIONGROUP: Answers(
        "0",
        "test_groups",
    ),
    RequestCode.GET_CONSUME_STATS: Answers(
        "0",
        "test_consume_stats",
    ),
    RequestCode.DELETE_TOPIC_IN_BROKER: Answers(
        "0",
        "test_delete_topic",
    ),
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO: Answers(
        "0",
        "test_who_consumes_a_topic",
    ),
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER: Answers(
        "0",
        "test_system_topics",
    ),
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET: Answers(
        "0 the new offsets, which every consumer of the group was sent (220); 206 nobody is connected; 1 "
        "no such topic or group",
        "test_a_reset_is_pushed_and_answered, test_a_reset_reaches_cpp_clients_as_a_list, "
        "test_resets_that_are_refused",
    ),
    RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS: Answers(
        "0 the offsets that consumers have in memory (221); 1 nobody is connected",
        "test_the_offsets_of_clients, test_no_offsets_without_clients_or_of_old_ones",
    ),
    RequestCode.QUERY_CONSUME_TIME_SPAN: Answers(
        "0 store times of each queue's first, last and last consumed message; 17",
        "test_the_times_of_what_is_consumed_and_what_waits, test_the_times_of_no_topic",
    ),
    RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE: Answers(
        "0 when the queues are gone; 1 which path the disk refused",
        "test_queues_whose_messages_have_expired_go_and_begin_anew, test_half_and_delayed_messages_stay, "
        "test_a_queue_that_gets_a_message_meanwhile_stays",
    ),
    RequestCode.CLEAN_UNUSED_TOPIC: Answers(
        "0 when the queues are gone; 1 which path the disk refused",
        "test_queues_of_topics_in_no_table_go, test_half_and_delayed_messages_stay, test_a_disk_that_refuses_is_named",
    ),
    RequestCode.GET_CONSUMER_RUNNING_INFO: Answers(
        "the consumer's own answer; 207 it gave none within 10 s; 1 it is not there, went, or is too old",
        "test_running_info_is_asked_of_the_client_and_handed_on_as_it_came, "
        "test_a_client_that_does_not_answer_and_one_that_goes, "
        "test_a_client_of_a_release_without_such_calls",
    ),
    RequestCode.QUERY_CORRECTION_OFFSET: Answers(
        "0 the least offset of all groups but some",
        "test_the_least_offset_of_all_groups",
    ),
    RequestCode.CONSUME_MESSAGE_DIRECTLY: Answers(
        "as 307, of a message that the consumer is handed; 1 no such message",
        "test_a_message_is_handed_to_the_client_whole, test_a_message_that_is_not_there",
    ),
    RequestCode.CLONE_GROUP_OFFSET: Answers(
        "0",
        "test_offsets_are_cloned, test_what_is_not_subscribed_to_is_cloned_offline_only",
    ),
    RequestCode.GET_BROKER_CONSUME_STATS: Answers(
        "0 the progress of every group",
        "test_the_progress_of_every_group, test_the_progress_in_ordered_topics_only",
    ),
    RequestCode.QUERY_CONSUME_QUEUE: Answers(
        "0 entries, 10,000 at most, with their units; 1 no such queue",
        "test_entries_as_they_are_stored, test_what_a_group_would_get, test_units_stand_beside_their_entries",
    ),
    RequestCode.SEND_MESSAGE_V2: Answers(
        "as 10",
        "test_long_names_are_the_same_request",
    ),
    RequestCode.SEND_BATCH_MESSAGE: Answers(
        "as 10, an id for each message; 13 for a retry topic",
        "test_a_batch_is_records_one_after_the_other, test_batches_have_their_own_refusals",
    ),
}
