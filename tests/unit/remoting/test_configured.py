"""What the surroundings say about frames."""

import pytest

from rocketpy.remoting.configured import configured_frame_limit, configured_serialize_type


@pytest.mark.parametrize(("name", "value"), [("", 0), ("JSON", 0), ("ROCKETMQ", 1), ("other", 0)])
def test_the_serialize_type_is_the_variables(monkeypatch, name, value):
    monkeypatch.delenv("JAVA_OPT", raising=False)
    monkeypatch.setenv("ROCKETMQ_SERIALIZE_TYPE", name)
    assert configured_serialize_type() == value


def test_system_properties_come_first(monkeypatch):
    monkeypatch.setenv("ROCKETMQ_SERIALIZE_TYPE", "JSON")
    monkeypatch.setenv(
        "JAVA_OPT", "-Drocketmq.serialize.type=ROCKETMQ -Dcom.rocketmq.remoting.frameMaxLength=33554432"
    )
    assert (configured_serialize_type(), configured_frame_limit()) == (1, 33554432)


def test_the_frame_limit_is_upstreams(monkeypatch):
    monkeypatch.delenv("JAVA_OPT", raising=False)
    assert configured_frame_limit() == 16777216
