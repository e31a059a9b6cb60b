"""Joins access control to the broker; invariant: with aclEnable no processor and no lane sees an unchecked request.

With aclEnable=false there is no check at all, nothing is slower for it, and the reader of YAML is not even imported.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy.acl.admin_codes import BROKER, admin_codes
from rocketpy.acl.guard import NO_CODES
from rocketpy.clock import Clock
from rocketpy.config import BrokerConfig
from rocketpy.config.checks import check_acl_settings

if TYPE_CHECKING:
    from rocketpy.access import Access

log = logging.getLogger("RocketmqBroker")

ANYONE = "any account may change accounts (codes 50 to 53), as in upstream; aclStrictAdmin=true keeps that for admins"


def access_of(config: BrokerConfig, clock: Clock) -> Access | None:
    """The access control of a broker, its rules not loaded yet; None when there is none."""
    if not config.acl_enable:
        return None
    from rocketpy.access import Access, acl_file

    strict = admin_codes(BROKER) if config.acl_strict_admin else NO_CODES
    return Access(acl_file(config.environment), clock, log, strict)


def load_rules(config: BrokerConfig, access: Access | None) -> None:
    """Load the rules before anything is opened. StartRefused when they, or the settings, make no sense."""
    check_acl_settings(config)
    if access is None:
        return
    access.load(f"aclEnable=true ({config.origin('aclEnable')})")
    if not config.acl_strict_admin:
        log.warning("aclStrictAdmin=false: %s", ANYONE)
