"""fastjson's dialect: what was written reads the same; garbage is a value or a ProtocolError."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from rocketpy.errors import ProtocolError, RequestRefused
from rocketpy.protocol.bodies import HeartbeatData, MessageQueue, RegisterBrokerBody, TopicRouteData
from rocketpy.protocol.fastjson import dumps, loads

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
queues = st.builds(MessageQueue, texts, texts, st.integers(0, 100))
scalars = texts | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
keys = texts.filter(lambda key: key != "$ref") | st.integers(-(2**63), 2**63 - 1) | queues
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


@given(values)
def test_what_was_written_reads_the_same(value):
    assert loads(dumps(value)) == value


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10))
def test_plain_values_are_plain_json(value):
    if "$ref" not in (text := dumps(value).decode()):
        assert json.loads(text) == value == loads(json.dumps(value))


@given(st.text('{}[]":,\\/u0123456789abcdefxtrualsn-+.eLF \'$*SetNaNé\n\x00', max_size=60))
def test_garbage_is_a_value_or_a_protocol_error(text):
    with contextlib.suppress(ProtocolError):
        loads(text)


@given(st.binary(max_size=60))
def test_bytes_are_a_value_or_a_protocol_error(data):
    with contextlib.suppress(ProtocolError):
        loads(data)


@given(st.dictionaries(st.sampled_from(["clientID", "consumerDataSet", "queueDatas", "brokerDatas", "filterServerTable",
                                        "topicConfigSerializeWrapper", "orderTopicConf"]), values))  # fmt: skip
def test_any_json_is_a_body_or_refused(members):
    for body_class in (HeartbeatData, TopicRouteData, RegisterBrokerBody):
        try:
            body_class.decode(dumps(members))
        except RequestRefused as refused:
            assert refused.code == 1
