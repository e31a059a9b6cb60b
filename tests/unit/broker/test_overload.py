"""What is refused under overload, with which words, and what the log says of it."""

import logging

import pytest

from rocketpy.broker.overload import GUARDED, LOG_EVERY_MS, Overload
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import RequestCode, ResponseCode


class Watch:
    """A loop watch that says what a test wants."""

    late_ms = off_cpu_ms = limit_ms = 0
    on_tick = None

    def set_limit(self, limit_ms):
        self.limit_ms = limit_ms


class Connection:
    address = "10.0.0.9:50000"

    def __init__(self, waited_ms, waiting_count=7):
        self.waited_ms, self.waiting_count = waited_ms, waiting_count


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def config():
    return BrokerConfig()


@pytest.fixture
def overload(config, watch, clock):
    return Overload(config, MessageStoreConfig(), watch, clock)


def refusal(overload, code, waited_ms):
    """Code and remark, None when the request is served."""
    try:
        overload.check(code, Connection(waited_ms))
    except RequestRefused as refused:
        return refused.code, refused.remark
    return None


def busy(words, waited_ms):
    tail = f"broker busy, start flow control for a while, period in queue: {waited_ms}ms, size of queue: 7"
    return ResponseCode.SYSTEM_BUSY, f"[{words}]{tail}"


@pytest.mark.parametrize(
    ("code", "limit_ms"),
    [
        (RequestCode.SEND_MESSAGE, 200), (RequestCode.SEND_MESSAGE_V2, 200), (RequestCode.SEND_BATCH_MESSAGE, 200),
        (RequestCode.CONSUMER_SEND_MSG_BACK, 200), (RequestCode.PULL_MESSAGE, 5000), (RequestCode.HEART_BEAT, 31_000),
        (RequestCode.END_TRANSACTION, 3000),
    ],
)  # fmt: skip
def test_what_waited_longer_than_its_limit_is_refused(overload, code, limit_ms):
    assert refusal(overload, code, 0) is None
    assert refusal(overload, code, limit_ms) is None
    assert refusal(overload, code, limit_ms + 1) == busy("TIMEOUT_CLEAN_QUEUE", limit_ms + 1)


def test_other_codes_have_no_limit():
    assert RequestCode.QUERY_CONSUMER_OFFSET not in GUARDED and RequestCode.UNREGISTER_CLIENT not in GUARDED


def test_sends_that_waited_for_the_disk_hear_of_the_page_cache(overload, watch):
    watch.off_cpu_ms = 1001     # osPageCacheBusyTimeOutMills is 1000
    assert refusal(overload, RequestCode.SEND_MESSAGE_V2, 1200) == busy("PCBUSY_CLEAN_QUEUE", 1200)
    assert refusal(overload, RequestCode.PULL_MESSAGE, 5001) == busy("TIMEOUT_CLEAN_QUEUE", 5001)
    watch.off_cpu_ms = 1000
    assert refusal(overload, RequestCode.SEND_MESSAGE_V2, 1200) == busy("TIMEOUT_CLEAN_QUEUE", 1200)


def test_without_fast_failure_only_a_busy_disk_refuses_sends(overload, config, watch):
    config.broker_fast_failure_enable = False
    assert refusal(overload, RequestCode.SEND_MESSAGE, 5000) is None
    watch.off_cpu_ms = 1001
    remark = "[REJECTREQUEST]system busy, start flow control for a while"
    assert refusal(overload, RequestCode.SEND_MESSAGE, 5000) == (ResponseCode.SYSTEM_BUSY, remark)
    assert refusal(overload, RequestCode.PULL_MESSAGE, 50_000) is None


def test_settings_change_at_run_time(overload, config, watch):
    assert watch.limit_ms == 200
    config.wait_time_mills_in_send_queue = 900
    watch.on_tick()
    assert watch.limit_ms == 900
    assert refusal(overload, RequestCode.SEND_MESSAGE, 899) is None
    config.wait_time_mills_in_send_queue, config.wait_time_mills_in_pull_queue = 6000, 50
    watch.on_tick()
    assert watch.limit_ms == 50


def test_one_line_of_cause_and_depth_every_ten_seconds_and_one_at_the_end(overload, watch, clock, caplog):
    caplog.set_level(logging.WARNING)
    watch.late_ms, watch.off_cpu_ms = 450, 400
    for _ in range(30):
        refusal(overload, RequestCode.SEND_MESSAGE_V2, 300)
        clock.advance(LOG_EVERY_MS // 20)
        watch.on_tick()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == (
        "overload: SEND_MESSAGE_V2 of 10.0.0.9:50000 waited 300 ms, limit 200: refused, 7 more wait behind it; "
        "1 refused so far. The loop was 450 ms late, 400 of them waiting for disk or processor"
    )
    assert len(lines) == 2 and "21 refused so far" in lines[1]
    watch.on_tick()
    assert caplog.records[-1].getMessage() == "overload is over after 15000 ms: 30 requests were refused"
    watch.on_tick()
    assert len(caplog.records) == 3
