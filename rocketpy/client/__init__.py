"""A Python client of the wire: enough to send, pull and ask; it also works against RocketMQ."""
