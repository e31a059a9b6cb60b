"""Says before anything is built whether a quickstart's ports are free: `python -m rocketpy.quickstart_ports <options>`.

It runs on a bare Python with nothing built or installed, so it imports nothing but the standard library and modules
like that. The options are those of `rocketpy quickstart`; a mistake in them ends it too, minutes earlier.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from rocketpy.errors import StartRefused
from rocketpy.remoting.listen import bind

NAMESRV_PORT, BROKER_PORT = 9876, 10911
LOWEST_PORT, HIGHEST_PORT = 3, 65534  # the broker has the ports beside its own as well
VIP_PORT_STEP = 2
EXIT_USAGE = 255


class Options(argparse.ArgumentParser):
    """Parses the options; its exit code for a mistake is upstream's."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; try {self.prog} --help\n")


def port_number(text: str) -> int:
    number = int(text)
    if not LOWEST_PORT <= number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{number} is not in the range {LOWEST_PORT} to {HIGHEST_PORT}")
    return number


def options() -> Options:
    """The options of `rocketpy quickstart`; help is left to that command."""
    parser = Options(prog="quickstart", add_help=False, allow_abbrev=False)
    parser.add_argument("--namesrv-port", type=port_number, default=NAMESRV_PORT)
    parser.add_argument("--port", type=port_number, default=BROKER_PORT)
    parser.add_argument("--store")
    parser.add_argument("-h", "--help", action="store_true")
    return parser


def check_ports(namesrv_port: int, port: int) -> None:
    """StartRefused when a port is taken, with the option that chooses another one."""
    wanted = ((namesrv_port, "--namesrv-port"), (port, "--port"), (port - VIP_PORT_STEP, "--port"))
    for number, option in wanted:
        bind("0.0.0.0", number, option).close()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when a quickstart with these options can have its ports."""
    asked = options().parse_args(arguments)
    try:
        if not asked.help:
            check_ports(asked.namesrv_port, asked.port)
    except StartRefused as refused:
        print(refused, file=sys.stderr)
        return refused.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
