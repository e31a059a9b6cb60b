"""What a request table is: for each request code the one function that answers it.

A processor gives a response, an awaitable of one, or None: held (answered later with
`connection.reply`) or one-way.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from rocketpy._core.command import Command
from rocketpy.remoting.connection import Connection

Answer: TypeAlias = Command | Awaitable[Command | None] | None
Processor: TypeAlias = Callable[[Connection, Command], Answer]
RequestTable: TypeAlias = Mapping[int, Processor]
