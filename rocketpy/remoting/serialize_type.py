"""Which header encoding a server writes: its own, whatever the request came in."""

import os
import shlex
from collections.abc import Mapping

JSON = 0
ROCKETMQ = 1
PROPERTY = "-Drocketmq.serialize.type="


def configured_serialize_type(environ: Mapping[str, str] = os.environ) -> int:
    """What `rocketmq.serialize.type` in JAVA_OPT says, else ROCKETMQ_SERIALIZE_TYPE; JSON when neither names one."""
    name = environ.get("ROCKETMQ_SERIALIZE_TYPE", "")
    for option in java_options(environ.get("JAVA_OPT", "")):
        if option.startswith(PROPERTY):
            name = option[len(PROPERTY) :]
    return ROCKETMQ if name.strip().upper() == "ROCKETMQ" else JSON


def java_options(text: str) -> list[str]:
    """The words of JAVA_OPT; one with unbalanced quotes is split at blanks."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
