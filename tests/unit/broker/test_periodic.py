"""Schedules: a failure does not end them, a stop does."""

import asyncio
import logging

from rocketpy.broker.periodic import Periodic


def test_a_failing_round_is_logged_and_followed_by_the_next(caplog):
    async def scenario():
        rounds = asyncio.Semaphore(0)

        async def action():
            rounds.release()
            raise OSError("disk full")

        periodic = Periodic()
        periodic.every(1, action, first_ms=0)
        for _ in range(3):
            await asyncio.wait_for(rounds.acquire(), 5)
        await periodic.stop()
        assert len(asyncio.all_tasks()) == 1

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert "it is tried again" in caplog.text
