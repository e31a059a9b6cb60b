"""The two sides that can be wrong: the rules, or a request that they do not allow."""

from rocketpy.errors import RequestRefused, RocketPyError
from rocketpy.protocol.codes import ResponseCode

ACL_EXCEPTION = "org.apache.rocketmq.acl.common.AclException"


class AclError(RocketPyError):
    """The rules, or a change asked of them, make no sense; the text never holds a secret key."""


class AccessDenied(RequestRefused):
    """A request that the rules do not allow; clients see upstream's code and words."""

    def __init__(self, text: str) -> None:
        super().__init__(ResponseCode.SYSTEM_ERROR, f"{ACL_EXCEPTION}: {text}")
