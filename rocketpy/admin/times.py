"""Times as operators give them: milliseconds since 1970, or `yyyy-MM-dd#HH:mm:ss:SSS` in the local zone."""

from __future__ import annotations

import time

from rocketpy.admin.command import Given, UsageMistake

FORMAT = "%Y-%m-%d#%H:%M:%S"


def given_time(given: Given, letter: str) -> int:
    """The time of an option in milliseconds. UsageMistake names the option when it is none."""
    text = given.text(letter)
    if text.removeprefix("-").isdecimal():
        return given.number(letter)
    moment, _, millis = text.rpartition(":")
    try:
        seconds = time.mktime(time.strptime(moment, FORMAT))
        if not millis.isdecimal() or len(millis) > 3:
            raise ValueError(millis)
    except (ValueError, OverflowError):
        raise UsageMistake(
            f"-{letter} {text}: a time is milliseconds since 1970 or yyyy-MM-dd#HH:mm:ss:SSS", show_usage=False
        ) from None
    return int(seconds) * 1000 + int(millis)
