"""Name servers that an HTTP address server names: asked at start and every two minutes, never on the loop.

Invariant: a list is used as a whole or not at all; an address server that fails or says something else changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping

from rocketpy.errors import RemotingError

DOMAIN, SUBGROUP = "jmenv.tbsite.net", "nsaddr"  # upstream's
PORT = 8080

PERIOD_S = 120.0
RETRY_S = 10.0          # as long as no list is known; upstream's first question comes that late anyway
TIMEOUT_S = 3.0         # to connect, and for each read
GIVE_UP_S = 2 * TIMEOUT_S
BODY_LIMIT = 64 * 1024

NAME_SERVER = re.compile(r"([\w.-]+|\[[\da-fA-F:.]+\]):([1-9]\d{0,4})", re.ASCII)


class AddressServerError(RemotingError):
    """The address server gave no list of name servers."""


def address_server_url(
    properties: Mapping[str, str], *, domain: str | None = None, subgroup: str | None = None, unit: str = ""
) -> str:
    """What is asked: domain and subgroup as given, else by the system properties. A unit has a list of its own."""
    domain = domain or properties.get("rocketmq.namesrv.domain") or DOMAIN
    subgroup = subgroup or properties.get("rocketmq.namesrv.domain.subgroup") or SUBGROUP
    port = "" if ":" in domain else f":{PORT}"
    own = f"-{unit}?nofix=1" if unit.strip() else ""
    return f"http://{domain}{port}/rocketmq/{subgroup}{own}"


def name_servers_of(text: str) -> list[str]:
    """The addresses of `a:1;b:2`, each once; what follows the first line does not count. AddressServerError else."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    found = [part.strip() for part in line.rstrip(";").split(";")]
    matches = [NAME_SERVER.fullmatch(address) for address in found]
    if not all(match and int(match[2]) < 65536 for match in matches):
        raise AddressServerError(f"{line[:100]!r} is no list of host:port;host:port")
    return list(dict.fromkeys(found))


def get_text(url: str) -> str:
    """The body of a 200 answer; blocks. AddressServerError, OSError, ValueError or HTTPException when there is none."""
    from urllib.error import HTTPError  # only who asks an address server pays for these
    from urllib.request import ProxyHandler, Request, build_opener

    opener = build_opener(ProxyHandler({}))  # as a JVM: no proxy out of the environment
    try:
        answer = opener.open(Request(url, headers={"Client-Version": "V4_5_2"}), timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        raise AddressServerError(f"it answers with status {error.code}") from None
    with answer:
        if answer.status != 200:
            raise AddressServerError(f"it answers with status {answer.status}")
        body, until = b"", time.monotonic() + TIMEOUT_S
        while chunk := answer.read1(BODY_LIMIT):
            body += chunk
            if len(body) > BODY_LIMIT or time.monotonic() > until:
                raise AddressServerError(f"its answer does not end within {BODY_LIMIT} bytes and {TIMEOUT_S:.0f} s")
    return body.decode(errors="replace")


class AddressServer:
    """One URL, asked by a thread of its own: a name that does not resolve would hold up the loop's, and a stop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._thread: threading.Thread | None = None

    async def fetch(self) -> list[str]:
        """The name servers it names; AddressServerError says why there are none."""
        if self._thread is not None and self._thread.is_alive():
            raise AddressServerError("the question before this one is not answered yet")
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[str] = loop.create_future()
        self._thread = threading.Thread(target=self._get, args=(loop, answered), name="address server", daemon=True)
        self._thread.start()
        try:
            return name_servers_of(await asyncio.wait_for(answered, GIVE_UP_S))
        except asyncio.TimeoutError:
            raise AddressServerError(f"it does not answer within {GIVE_UP_S:.0f} s") from None

    def _get(self, loop: asyncio.AbstractEventLoop, answered: asyncio.Future[str]) -> None:
        text, error = "", None
        try:
            text = get_text(self.url)
        except AddressServerError as fault:
            error = fault
        except Exception as fault:  # OSError, ValueError, HTTPException: all of them mean the same
            error = AddressServerError(f"{type(fault).__name__} {fault}")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(_settle, answered, text, error)


def _settle(answered: asyncio.Future[str], text: str, error: AddressServerError | None) -> None:
    if answered.done():
        return
    if error is None:
        answered.set_result(text)
    else:
        answered.set_exception(error)


class NameServerWatch:
    """Keeps a list of name servers as the address server has it, and hands each new one to `use`."""

    def __init__(
        self,
        url: str,
        use: Callable[[list[str]], object],
        log: logging.Logger,
        fetch: Callable[[], Awaitable[list[str]]] | None = None,
    ) -> None:
        self.url = url
        self.addresses: list[str] = []
        self.asked = asyncio.Event()
        self._use = use
        self._log = log
        self._fetch = fetch or AddressServer(url).fetch
        self._failed = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, wait_s: float = 0.0) -> None:
        """Ask from now on; returns after the first answer or failure, at the latest after `wait_s`."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        if wait_s:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.asked.wait(), wait_s)

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ask(self) -> None:
        """One question; a change is told and used, a failure is told when it is news."""
        try:
            found = await self._fetch()
        except AddressServerError as error:
            if not self._failed:
                kept = f"it stays {';'.join(self.addresses)}" if self.addresses else "none is known"
                self._log.warning("no name server list from %s: %s; %s", self.url, error, kept)
            self._failed = True
        else:
            self._failed = False
            if found != self.addresses:
                old, new = ";".join(self.addresses) or None, ";".join(found)
                self._log.info("name server address changed, old: %s new: %s (%s)", old, new, self.url)
                self.addresses = found
                self._use(found)
        self.asked.set()

    async def _run(self) -> None:
        while True:
            await self.ask()
            await asyncio.sleep(PERIOD_S if self.addresses else RETRY_S)
