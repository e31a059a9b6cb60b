"""Values of options: ranges of offsets, points of time."""

from __future__ import annotations

from datetime import datetime, timezone

import click


class Range(click.ParamType):
    """`A` or `A:B` as (first, behind the last)."""

    name = "A[:B]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        first, colon, end = value.partition(":")
        if not first.isdecimal() or (colon and not end.isdecimal()):
            self.fail(f"{value!r} is no offset A, nor a range A:B", param, ctx)
        return int(first), int(end) if colon else int(first) + 1


class Time(click.ParamType):
    """A point of time as ms since 1970."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value.isdecimal():
            return int(value)
        try:
            at = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is neither ms since 1970 nor a time such as 2026-11-26T15:04:05", param, ctx)
        return int((at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp() * 1000)


RANGE = Range()
TIME = Time()
