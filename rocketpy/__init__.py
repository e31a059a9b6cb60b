"""RocketPy: a name server and broker that Apache RocketMQ 4.5 clients use unchanged."""

__version__ = "0.1.0"
