"""What the surroundings of the process say about frames: how headers are written, how long a frame may be."""

from rocketpy.config.environment import Environment

FRAME_LIMIT = 16777216          # upstream's default
SERIALIZE_TYPES = {"JSON": 0, "ROCKETMQ": 1}


def configured_serialize_type() -> int:
    """How this process writes headers, whatever a request came in."""
    return SERIALIZE_TYPES[Environment().serialize_type]


def configured_frame_limit() -> int:
    """The longest frame taken, counted with its length word."""
    return max(Environment().number("com.rocketmq.remoting.frameMaxLength", FRAME_LIMIT), 8)
