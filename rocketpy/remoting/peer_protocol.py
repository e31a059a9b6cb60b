"""The connection as the event loop wants it: asyncio asks for a BufferedProtocol by type, uvloop by its methods."""

import asyncio

from rocketpy.remoting.connection import Connection


class PeerProtocol(Connection, asyncio.BufferedProtocol):
    """A Connection that both loops take for a BufferedProtocol."""

    __slots__ = ()
