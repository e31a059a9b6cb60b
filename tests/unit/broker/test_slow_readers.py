"""Groups that are too far behind are stopped."""

import logging

import pytest

from rocketpy.broker.slow_readers import SlowReaders
from rocketpy.config import BrokerConfig, MessageStoreConfig


@pytest.fixture
def stopped() -> list[str]:
    return []


@pytest.fixture
def readers(stopped) -> SlowReaders:
    config = BrokerConfig(disable_consume_if_consumer_read_slowly=True, consumer_fallbehind_threshold=1000)
    return SlowReaders(config, MessageStoreConfig(), stopped.append)


def test_a_group_beyond_the_threshold_is_stopped_and_named(readers, stopped, caplog):
    caplog.set_level(logging.WARNING)
    readers.note("slow", "T", 0, 10)
    readers.note("slow", "T", 1, 1001)
    readers.note("quick", "T", 0, 1000)
    readers.protect()
    assert stopped == ["slow"]
    (line,) = caplog.messages
    assert line.startswith("[PROTECT_BROKER] the consumer[slow] consume slowly, 1001 bytes, disable it")
    assert "queue 1 of T" in line


def test_the_last_pull_counts_and_is_forgotten_with_the_stop(readers, stopped):
    readers.note("caught up", "T", 0, 5000)
    readers.note("caught up", "T", 0, 5)
    readers.note("slow", "T", 0, 5000)
    readers.protect()
    readers.protect()
    assert stopped == ["slow"], "an operator who lets it go on is not overruled before it has pulled"
    readers.note("slow", "T", 0, 5000)
    readers.protect()
    assert stopped == ["slow", "slow"]


@pytest.mark.parametrize(("wanted", "recorded", "watches"), [
    (True, True, True), (True, False, False), (False, True, False),
])  # fmt: skip
def test_both_settings_are_needed(wanted, recorded, watches):
    config = BrokerConfig(disable_consume_if_consumer_read_slowly=wanted)
    assert SlowReaders(config, MessageStoreConfig(disk_fall_recorded=recorded), print).watches is watches
