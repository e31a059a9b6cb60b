class Counter:
    """What was served of one topic, or of one topic to one group."""

class LaneRows:
    """The rows of one fast lane."""
