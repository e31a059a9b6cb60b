"""What the name server answers to each code, and the tests that hold it: the rows of docs/protocol.md.

`python -m rocketpy.protocol_docs docs/protocol.md` writes the page; invariant: a row a code of SERVED, no other.
"""

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.codes_page import Answers

ANSWERS: dict[RequestCode, Answers] = {
    RequestCode.PUT_KV_CONFIG: Answers(
        "0; code 1 with path and cause when the file cannot be written",
        "test_kv_values, test_a_disk_that_refuses_is_told",
    ),
    RequestCode.GET_KV_CONFIG: Answers(
        "0 value; 22 `No config item, Namespace: <ns> Key: <k>`",
        "test_kv_values",
    ),
    RequestCode.DELETE_KV_CONFIG: Answers(
        "0; the namespace stays",
        "test_kv_values",
    ),
    RequestCode.REGISTER_BROKER: Answers(
        "0 with the order topics, and to a slave its master; 1 `crc32 not match`; 1 `… Failed to decode "
        "RegisterBrokerBody …`",
        "test_register_answers_with_empty_ext_and_no_body, test_a_wrong_checksum_is_refused, "
        "test_garbage_is_no_registration, golden/test_namesrv_frames.py",
    ),
    RequestCode.UNREGISTER_BROKER: Answers(
        "0",
        "test_unregister",
    ),
    RequestCode.GET_ROUTEINTO_BY_TOPIC: Answers(
        "0 route; 17 `No topic route info in name server for the topic: <T>` and the FAQ line",
        "test_a_route_as_clients_parse_it, test_no_route",
    ),
    RequestCode.GET_BROKER_CLUSTER_INFO: Answers(
        "0",
        "test_cluster_info",
    ),
    RequestCode.WIPE_WRITE_PERM_OF_BROKER: Answers(
        "0 wipeTopicCount",
        "test_wipe_write_permission",
    ),
    RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.DELETE_TOPIC_IN_NAMESRV: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.GET_KVLIST_BY_NAMESPACE: Answers(
        "0; 22 `No config item, Namespace: <ns>`",
        "test_kv_values",
    ),
    RequestCode.GET_TOPICS_BY_CLUSTER: Answers(
        "0; an unknown cluster has no topics",
        "test_topic_lists",
    ),
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.GET_UNIT_TOPIC_LIST: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: Answers(
        "0",
        "test_topic_lists",
    ),
    RequestCode.UPDATE_NAMESRV_CONFIG: Answers(
        "0 when they are on disk; 16 for paths and the port, 1 for a name or value that is none and for a disk that "
        "refuses, and then nothing is changed",
        "test_settings_are_changed_and_written, test_paths_and_ports_are_not_changed_from_afar, "
        "test_a_value_that_is_none_is_named_and_changes_nothing, "
        "test_an_unknown_setting_is_refused_with_the_nearest_name",
    ),
    RequestCode.GET_NAMESRV_CONFIG: Answers(
        "0 `key=value` lines",
        "test_settings_are_shown",
    ),
    RequestCode.QUERY_DATA_VERSION: Answers(
        "0 changed, and the version that is known",
        "test_data_versions",
    ),
}
