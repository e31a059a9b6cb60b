"""Options of the test run as a whole."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests import needs

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("rocketpy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rocketpy")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background: servers of tests would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rounds", type=int, default=20, help="rounds of the crash loop")
    parser.addoption("--differential-seeds", default="1", help="seeds of random requests to both servers: 7 or 7-99")
    parser.addoption("--differential-length", type=int, default=500, help="requests a seed")
    parser.addoption(
        "--server",
        choices=["rocketpy", "upstream", "both"],
        default=os.environ.get("ROCKETPY_COMPAT_SERVER", "rocketpy"),
        help="which servers the official clients of tests/compat are tested on",
    )
    parser.addoption("--record-its", action="store_true", help="write down what upstream's own suite gives")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reason in sorted(set(needs.missing.values())):
        terminalreporter.write_line(f"some tests have not run here: {reason}")
