"""Headers: fields to text and back, and what is said when one is wrong."""

import pytest

from rocketpy._core.command import request
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import (
    REQUEST_HEADERS,
    ConsumerSendMsgBackRequestHeader,
    CreateTopicRequestHeader,
    EmptyResponseHeader,
    EndTransactionRequestHeader,
    GetMaxOffsetRequestHeader,
    PullMessageRequestHeader,
    QueryMessageRequestHeader,
    SendMessageRequestHeaderV2,
    UnregisterClientRequestHeader,
)


def refusal(header_class, ext):
    with pytest.raises(RequestRefused) as refused:
        header_class.decode(request(0, ext))
    assert refused.value.code == ResponseCode.SYSTEM_ERROR
    return refused.value.remark


def test_fields_stand_under_upstreams_names():
    header = ConsumerSendMsgBackRequestHeader(offset=7, group="G", delay_level=3, unit_mode=True)
    assert header.encode() == {"offset": "7", "group": "G", "delayLevel": "3", "unitMode": "true"}
    assert UnregisterClientRequestHeader(client_id="c").encode() == {"clientID": "c"}


def test_an_empty_header_has_an_empty_ext():
    assert EmptyResponseHeader().encode() == {}


def test_a_missing_field_is_named():
    assert refusal(GetMaxOffsetRequestHeader, {"queueId": "1"}) == "the custom field <topic> is missing"
    assert refusal(GetMaxOffsetRequestHeader, None) == "the custom field <topic> is missing"
    assert refusal(SendMessageRequestHeaderV2, {}) == "the custom field <a> is missing"


@pytest.mark.parametrize("text", ["", "x", "1.0", " 1", "2147483648", "-2147483649", "\u0663", "9" * 999, "-", "+"])
def test_an_unparsable_int_is_named(text):
    ext = {"topic": "T", "queueId": text}
    assert refusal(GetMaxOffsetRequestHeader, ext).startswith("the custom field <queueId> is not an int: '")


@pytest.mark.parametrize(("text", "value"), [("-2147483648", -(2**31)), ("+7", 7), ("007", 7)])
def test_an_int_is_read_as_java_reads_it(text, value):
    assert GetMaxOffsetRequestHeader.decode(request(0, {"topic": "T", "queueId": text})).queue_id == value


def test_an_unparsable_long_is_named():
    ext = {"topic": "T", "key": "k", "maxNum": "1", "beginTimestamp": str(2**63), "endTimestamp": "0"}
    assert "<beginTimestamp> is not a long" in refusal(QueryMessageRequestHeader, ext)


def test_an_optional_field_that_is_absent_or_empty_stays_at_its_default():
    ext = {"offset": "0", "group": "G", "delayLevel": "0", "maxReconsumeTimes": "", "originTopic": ""}
    header = ConsumerSendMsgBackRequestHeader.decode(request(0, ext))
    assert (header.max_reconsume_times, header.origin_topic, header.unit_mode) == (None, "", False)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("TRUE", True), ("1", False), ("", False), ("yes", False)])
def test_a_boolean_is_true_or_anything_else(text, value):
    ext = {"offset": "0", "group": "G", "delayLevel": "0", "unitMode": text}
    assert ConsumerSendMsgBackRequestHeader.decode(request(0, ext)).unit_mode is value


def test_unknown_fields_are_skipped():
    ext = {"topic": "T", "queueId": "1", "later": "x"}
    assert GetMaxOffsetRequestHeader.decode(request(0, ext)) == GetMaxOffsetRequestHeader(topic="T", queue_id=1)


def test_a_topic_filter_type_must_be_one():
    good = CreateTopicRequestHeader(
        topic="T", default_topic="D", read_queue_nums=1, write_queue_nums=1, perm=6, topic_filter_type="MULTI_TAG",
        order=False,
    )  # fmt: skip
    assert CreateTopicRequestHeader.decode(request(0, good.encode())) == good
    assert "<topicFilterType>" in refusal(CreateTopicRequestHeader, good.encode() | {"topicFilterType": "NONE"})


def test_commit_or_rollback_must_be_one():
    ext = {"producerGroup": "P", "tranStateTableOffset": "0", "commitLogOffset": "0", "msgId": "m"}
    assert EndTransactionRequestHeader.decode(request(0, ext | {"commitOrRollback": "12"})).commit_or_rollback == 12
    assert "<commitOrRollback>" in refusal(EndTransactionRequestHeader, ext | {"commitOrRollback": "4"})


def test_letters_carry_the_same_fields():
    header = SendMessageRequestHeaderV2(
        producer_group="P", topic="T", default_topic="TBW102", default_topic_queue_nums=4, queue_id=0, sys_flag=0,
        born_timestamp=1, flag=0, batch=True,
    )  # fmt: skip
    letters = [("a", "P"), ("b", "T"), ("c", "TBW102"), ("d", "4"), ("e", "0"), ("f", "0"), ("g", "1"), ("h", "0")]
    assert header.encode() == {**dict(letters), "k": "false", "m": "true"}


def test_an_enum_of_numbers_is_written_as_its_number():
    assert GetMaxOffsetRequestHeader(topic="T", queue_id=RequestCode.SEND_MESSAGE).encode()["queueId"] == "10"


def test_every_field_of_every_request_can_be_asked_for():
    for header_class in REQUEST_HEADERS.values():
        assert header_class.decode.__self__ is header_class
    assert len(PullMessageRequestHeader.__dataclass_fields__) == 12
