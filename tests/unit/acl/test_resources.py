"""What each request touches."""

import pytest

from rocketpy._core.command import Command
from rocketpy.acl.permissions import PUB, SUB
from rocketpy.acl.resources import resources_of
from rocketpy.errors import RequestRefused

HEARTBEAT = (
    b'{"clientID":"c","consumerDataSet":[{"groupName":"g","subscriptionDataSet":[{"topic":"t"},{"topic":"u"}]},'
    b'{"groupName":"h"}],"producerDataSet":[{"groupName":"p"}]}'
)


@pytest.mark.parametrize(
    ("code", "ext", "needed"),
    [
        (10, {"topic": "t", "b": "u"}, {"t": PUB}),
        (310, {"b": "t", "topic": "u"}, {"t": PUB}),
        (320, {"b": "t"}, {"t": PUB}),
        (36, {"originTopic": "t", "group": "g"}, {"t": PUB, "%RETRY%g": SUB}),
        (36, {"originTopic": "%RETRY%g", "group": "g"}, {"%RETRY%g": SUB}),
        (36, {"originTopic": "%RETRY%h", "group": "g"}, {"%RETRY%h": PUB, "%RETRY%g": SUB}),
        (11, {"topic": "t", "consumerGroup": "g"}, {"t": SUB, "%RETRY%g": SUB}),
        (11, {"topic": "%RETRY%h", "consumerGroup": "g"}, {"%RETRY%h": SUB, "%RETRY%g": SUB}),
        (12, {"topic": "t"}, {"t": SUB}),
        (35, {"consumerGroup": "g", "producerGroup": "p"}, {"%RETRY%g": SUB}),
        (35, {"producerGroup": "p"}, {}),
        (38, {"consumerGroup": "g"}, {"%RETRY%g": SUB}),
        (15, {"consumerGroup": "g", "topic": "t"}, {"%RETRY%g": SUB, "t": SUB}),
        (310, None, {}),
        (17, {"topic": "t"}, {}),
        (33, {"offset": "1"}, {}),
    ],
)
def test_fields_name_resources(code, ext, needed):
    assert resources_of(Command(code, ext)) == needed


@pytest.mark.parametrize(
    ("code", "body", "needed"),
    [
        (34, HEARTBEAT, {"%RETRY%g": SUB, "t": SUB, "u": SUB, "%RETRY%h": SUB}),
        (34, b"{}", {}),
        (41, b'{"consumerGroup":"g","mqSet":[]}', {"%RETRY%g": SUB}),
        (42, b'{"consumerGroup":"g","mqSet":[]}', {"%RETRY%g": SUB}),
    ],
)
def test_bodies_name_resources(code, body, needed):
    assert resources_of(Command(code, {}, body)) == needed


@pytest.mark.parametrize("body", [None, b"[]", b"{", b'{"consumerDataSet":7}'])
def test_a_body_that_cannot_be_read_is_refused(body):
    with pytest.raises(RequestRefused):
        resources_of(Command(34, {}, body))
