"""Tells the service manager how far the server is (sd_notify): ready once its ports serve, stopping once it is told to.

A datagram to the socket that $NOTIFY_SOCKET names; nothing is sent where it is unset, and nothing that goes wrong with
it may end a server that serves: systemd then says itself that no notice came. The protocol: sd_notify(3).
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger("RocketmqCommon")

READY = "READY=1"
STOPPING = "STOPPING=1"
SEND_TIMEOUT_S = 1.0  # the manager's queue may be full; a stop must not wait for it


def tell_manager(state: str, variables: Mapping[str, str] = os.environ) -> None:
    """Send one state. The address is a path, or a name of the abstract namespace written with a leading `@`."""
    address = variables.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
            sending.settimeout(SEND_TIMEOUT_S)
            sending.connect(name)
            sending.send(state.encode())
    except (OSError, ValueError) as fault:
        log.warning("NOTIFY_SOCKET=%s: %s is not told to the service manager: %s", address, state, fault)
