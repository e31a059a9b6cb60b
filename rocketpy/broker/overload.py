"""Refuses requests that waited too long, in upstream's words; invariant: only what has waited is refused.

How long a request waited is measured where it is read (`remoting/loop_watch`, `connection.waited_ms`): a lower bound,
so that one within the limit is never refused, and one stall of the process refuses nothing. Refusing is quick, so
what comes behind is served again: no state says "overloaded", none is left when the load ends. docs/decisions/0006.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from rocketpy.clock import Clock
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import SEND_CODES, RequestCode, ResponseCode

if TYPE_CHECKING:
    from rocketpy.config import BrokerConfig, MessageStoreConfig
    from rocketpy.remoting.connection import Connection
    from rocketpy.remoting.loop_watch import LoopWatch

log = logging.getLogger("RocketmqBroker")

LOG_EVERY_MS = 10_000
SENDS = SEND_CODES | {RequestCode.CONSUMER_SEND_MSG_BACK}

# Whose requests may wait how long: the others are never refused, as upstream cleans these four queues only.
_LIMITS: dict[RequestCode, Callable[[BrokerConfig], int]] = {
    **{code: lambda config: config.wait_time_mills_in_send_queue for code in SENDS},
    RequestCode.PULL_MESSAGE: lambda config: config.wait_time_mills_in_pull_queue,
    RequestCode.HEART_BEAT: lambda config: config.wait_time_mills_in_heartbeat_queue,
    RequestCode.END_TRANSACTION: lambda config: config.wait_time_mills_in_transaction_queue,
}
_TAIL = "broker busy, start flow control for a while, period in queue: %dms, size of queue: %d"
GUARDED = frozenset(_LIMITS)


class Overload:
    """What is refused now, and the lines in the log about it."""

    def __init__(self, config: BrokerConfig, store_config: MessageStoreConfig, watch: LoopWatch, clock: Clock) -> None:
        self._config, self._store_config = config, store_config
        self._watch, self._clock = watch, clock
        self.refused_total = 0
        self._refused = 0           # since the last line
        self._logged_ms: int | None = None
        self._since_ms = 0          # when this overload began
        self._lasts = False         # something was refused since the last tick
        watch.on_tick = self._tick
        self._apply_settings()

    def check(self, code: RequestCode, connection: Connection) -> None:
        """RequestRefused(SYSTEM_BUSY) for a request of a guarded code that has waited longer than its limit."""
        waited_ms = connection.waited_ms
        if not waited_ms or waited_ms <= _LIMITS[code](self._config):
            return
        words = self._words(code)
        if words is None:
            return
        waiting = connection.waiting_count
        self._note(code, connection, waited_ms, waiting)
        raise RequestRefused(ResponseCode.SYSTEM_BUSY, words % (waited_ms, waiting) if "%" in words else words)

    def _words(self, code: RequestCode) -> str | None:
        """What to say; None when it is served however late."""
        disk_is_busy = code in SENDS and self._watch.off_cpu_ms > self._store_config.os_page_cache_busy_time_out_mills
        if not self._config.broker_fast_failure_enable:
            return "[REJECTREQUEST]system busy, start flow control for a while" if disk_is_busy else None
        return ("[PCBUSY_CLEAN_QUEUE]" if disk_is_busy else "[TIMEOUT_CLEAN_QUEUE]") + _TAIL

    def _note(self, code: RequestCode, connection: Connection, waited_ms: int, waiting: int) -> None:
        now_ms = self._clock.monotonic_ms()
        if not self._lasts and self._logged_ms is None:
            self._since_ms = now_ms
        self._lasts = True
        self._refused += 1
        self.refused_total += 1
        if self._logged_ms is not None and now_ms - self._logged_ms < LOG_EVERY_MS:
            return
        self._logged_ms = now_ms
        log.warning(
            "overload: %s of %s waited %d ms, limit %d: refused, %d more wait behind it; %d refused so far. "
            "The loop was %d ms late, %d of them waiting for disk or processor",
            code.name, connection.address, waited_ms, _LIMITS[code](self._config), waiting, self._refused,
            self._watch.late_ms, self._watch.off_cpu_ms,
        )  # fmt: skip

    def _tick(self) -> None:
        """Once a tick of the watch: settings may have changed, and an overload may be over."""
        self._apply_settings()
        if self._logged_ms is None or self._lasts:
            self._lasts = False
            return
        log.warning(
            "overload is over after %d ms: %d requests were refused", self._clock.monotonic_ms() - self._since_ms,
            self._refused,
        )  # fmt: skip
        self._refused, self._logged_ms = 0, None

    def _apply_settings(self) -> None:
        self._watch.set_limit(min(limit(self._config) for limit in _LIMITS.values()))
