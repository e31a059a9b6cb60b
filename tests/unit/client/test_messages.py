"""Messages as a client makes them."""

from rocketpy.client import new_message, unique_id
from rocketpy.client.messages import ready_to_send


def test_properties_by_their_names():
    message = new_message("T", b"x", tags="TagA", keys="k1 k2", delay_level=3, wait=False, properties={"own": "1"})
    assert dict(message.properties) == {"own": "1", "TAGS": "TagA", "KEYS": "k1 k2", "DELAY": "3", "WAIT": "false"}
    assert dict(new_message("T", b"x").properties) == {"WAIT": "true"}


def test_unique_ids():
    ids = {unique_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(text) == 32 and int(text, 16) >= 0 for text in ids)


def test_sending_leaves_the_callers_message_alone():
    message = new_message("T", bytes(5000))
    ready = ready_to_send(message)
    assert "UNIQ_KEY" in ready.properties and "UNIQ_KEY" not in message.properties
    assert len(message.body) == 5000 and ready.decompressed_body() == message.body
    assert ready_to_send(ready).properties["UNIQ_KEY"] == ready.properties["UNIQ_KEY"]  # a retry is the same message
