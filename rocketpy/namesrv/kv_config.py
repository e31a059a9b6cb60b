"""The name server's only durable state: values by namespace and key.

Invariant: the file holds what the table holds, as of the last put or delete. A namespace once created stays, even
empty.
"""

from __future__ import annotations

import logging
from pathlib import Path

from rocketpy import json_file
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.protocol import fastjson
from rocketpy.protocol.codes import ResponseCode

log = logging.getLogger("RocketmqNamesrv")


class KVConfig:
    """The table and its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: dict[str, dict[str, str]] = {}

    def load(self) -> None:
        """Read the file; none is a fresh name server."""
        text = json_file.load(self._path)
        if not text:
            log.warning("no KV config at %s: starting with an empty table", self._path)
            return
        try:
            table = fastjson.loads(text).get("configTable") or {}
            self._table.update({namespace: dict(values) for namespace, values in table.items()})
        except (AttributeError, TypeError, ValueError):
            raise StartRefused(f"{self._path} holds no KV table: {json_file.remedy(self._path)}") from None
        log.info("load KV config table OK")

    def put(self, namespace: str, key: str, value: str) -> None:
        """Set one value; the namespace comes into being with its first key."""
        self._table.setdefault(namespace, {})[key] = value
        log.info("putKVConfig, Namespace: %s Key: %s Value: %s", namespace, key, value)
        self._persist()

    def get(self, namespace: str, key: str) -> str | None:
        """One value, or None."""
        return self._table.get(namespace, {}).get(key)

    def delete(self, namespace: str, key: str) -> None:
        """Remove one value; the namespace stays."""
        value = self._table.get(namespace, {}).pop(key, None)
        log.info("deleteKVConfig, Namespace: %s Key: %s Value: %s", namespace, key, value)
        self._persist()

    def namespace(self, namespace: str) -> dict[str, str] | None:
        """All of a namespace; None when there never was one."""
        return self._table.get(namespace)

    def log_all(self) -> None:
        """Write the table to the log, as upstream does every ten minutes."""
        log.info("configTable SIZE: %d", len(self._table))
        for namespace, values in self._table.items():
            for key, value in values.items():
                log.info("configTable NS: %s Key: %s Value: %s", namespace, key, value)

    def _persist(self) -> None:
        try:
            json_file.persist(self._path, fastjson.dumps({"configTable": self._table}).decode())
        except OSError as error:
            log.error("KV config not written to %s: %s", self._path, error)
            raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"KV config not written to {self._path}: {error}") from None
