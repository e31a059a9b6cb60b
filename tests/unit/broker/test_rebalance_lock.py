"""A queue has one holder at a time."""

from rocketpy.broker.rebalance_lock import RebalanceLock, lock_max_live_ms
from rocketpy.clock import ManualClock
from rocketpy.config.environment import Environment
from rocketpy.protocol.bodies import MessageQueue

Q = [MessageQueue(topic="T", broker_name="broker-a", queue_id=id) for id in range(3)]


def test_a_held_queue_is_refused_to_others() -> None:
    locks = RebalanceLock(ManualClock())
    assert locks.lock_batch("G", Q[:2], "c1") == set(Q[:2])
    assert locks.lock_batch("G", Q, "c2") == {Q[2]}
    assert locks.lock_batch("other group", Q, "c2") == set(Q)


def test_asking_again_keeps_the_lock_and_silence_loses_it() -> None:
    clock = ManualClock()
    locks = RebalanceLock(clock)
    locks.lock_batch("G", Q, "c1")
    clock.advance(60_000)
    assert locks.lock_batch("G", Q[:1], "c1") == {Q[0]}
    assert locks.lock_batch("G", Q, "c2") == set()
    clock.advance(1)
    assert locks.lock_batch("G", Q, "c2") == {Q[1], Q[2]}


def test_only_own_queues_are_given_back() -> None:
    locks = RebalanceLock(ManualClock())
    locks.lock_batch("G", Q[:1], "c1")
    locks.unlock_batch("G", Q, "c2")
    assert locks.lock_batch("G", Q[:1], "c2") == set()
    locks.unlock_batch("G", Q, "c1")
    assert locks.lock_batch("G", Q[:1], "c2") == {Q[0]}
    locks.unlock_batch("unknown", Q, "c1")


def test_the_time_is_the_system_propertys() -> None:
    asked = {"JAVA_OPT": "-Drocketmq.broker.rebalance.lockMaxLiveTime=5000"}
    assert lock_max_live_ms(Environment(asked)) == 5000
    assert lock_max_live_ms(Environment({})) == 60_000


def test_no_queues_leave_no_trace() -> None:
    locks = RebalanceLock(ManualClock())
    assert locks.lock_batch("G", [], "c1") == set()
    assert locks._groups == {}


def test_holders_that_do_not_come_back_are_forgotten() -> None:
    clock = ManualClock()
    locks = RebalanceLock(clock)
    locks.lock_batch("G", Q[:1], "c1")
    clock.advance(1)
    locks.lock_batch("G", Q[1:2], "c1")
    locks.lock_batch("H", Q[:1], "c1")
    clock.advance(60_000)
    locks.expire()
    assert locks.lock_batch("G", Q[:2], "c2") == {Q[0]}, "who is in time by a millisecond keeps its queue"
    clock.advance(60_001)
    locks.expire()
    assert locks._groups == {}
