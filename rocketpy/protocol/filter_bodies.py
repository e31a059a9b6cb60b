"""What stands in consumerFilter.json: the expressions of consumer groups that filter by more than tags, by topic.

Members and their meaning are upstream's (ConsumerFilterData, BloomFilterData); times are milliseconds since 1970.
"""

from dataclasses import dataclass, field

from rocketpy.protocol.body import Body


@dataclass(slots=True)
class BloomFilterData(Body):
    """Bits of a message's bitmap that belong to one group in one topic."""

    bit_num: int = 0  # of the whole bitmap
    bit_pos: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ConsumerFilterData(Body):
    """One group's expression in one topic; it is dead while no client of the group is there or wants the topic."""

    topic: str = ""
    consumer_group: str = ""
    expression: str = ""
    expression_type: str = ""
    client_version: int = 0  # subVersion of the subscription it comes from
    born_time: int = 0  # bitmaps of messages stored later know of it
    dead_time: int = 0
    dead: bool = False  # dead_time >= born_time: written only, never read back
    bloom_filter_data: BloomFilterData | None = None


@dataclass(slots=True)
class FilterDataMapByTopic(Body):
    """The groups that filter in one topic."""

    topic: str = ""
    group_filter_data: dict[str, ConsumerFilterData] = field(default_factory=dict)


@dataclass(slots=True)
class ConsumerFilterTable(Body):
    """The whole file."""

    filter_data_by_topic: dict[str, FilterDataMapByTopic] = field(default_factory=dict)
