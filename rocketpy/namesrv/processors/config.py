"""The name server's own settings, read and changed from afar.

Invariant: what a peer may not change (paths, the port) stays, and a refused update changes nothing.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rocketpy import json_file
from rocketpy._core.command import Command, response
from rocketpy.config.properties import parse_properties
from rocketpy.config.setting import Settings
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqNamesrv")

METRICS = ("metricsPort", "metricsBindAddress")

# A path is where anyone on the network could have files written (CVE-2023-37582); a port is how clients find us; who
# may ask is not for those who ask.
NOT_FROM_AFAR = frozenset({"rocketmqHome", "kvConfigPath", "configStorePath", "listenPort", "aclStrictAdmin", *METRICS})


def get_namesrv_config(server: NameServer, connection: Connection, request: Command, header: None) -> Command:
    """Every setting, a line each."""
    return response(body=config_text(server).encode())


def update_namesrv_config(server: NameServer, connection: Connection, request: Command, header: None) -> Command:
    """Change settings and write them all to configStorePath."""
    if request.body is None:
        return response()
    given = parse_properties(f"updateNamesrvConfig of {connection.address}", request.body.decode("utf-8", "replace"))
    values = {key: entry.value for key, entry in given.in_force().items()}
    log.info("updateConfig called by %s: %s", connection.address, values)
    for remark in given.remarks:
        log.warning("%s", remark)
    check(server, values)
    for config in server.configs:
        apply(config, values)
    json_file.persist(Path(server.config.config_store_path), config_text(server))
    return response()


def check(server: NameServer, values: dict[str, str]) -> None:
    """RequestRefused when one of the values may not, or cannot, be set."""
    for config in server.configs:
        for name in values.keys() & config.rows.keys():
            text = values[name]
            if name in NOT_FROM_AFAR and text != config.text(name):
                remark = f"{name} can not be updated from afar: change it in the -c file and restart"
                raise RequestRefused(ResponseCode.NO_PERMISSION, remark)
            try:
                config.rows[name].parse(text)
            except ValueError as fault:
                raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"{name}={text} {fault}") from None


def apply(config: Settings, values: dict[str, str]) -> None:
    """Set what of `values` is known to `config`; other keys of its file are kept as text, unknown ones are not."""
    for name, text in values.items():
        if name in config.rows:
            config.set(name, text, "updateNamesrvConfig")
        elif name in config.extra:
            config.extra[name] = text


def config_text(server: NameServer) -> str:
    """`name=value` lines of all settings, and of what else stood in the file."""
    extra = (f"{key}={value}\n" for config in server.configs for key, value in config.extra.items())
    return "".join([*(config.properties_text() for config in server.configs), *extra])
