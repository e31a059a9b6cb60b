"""The order in which upstream writes properties that it encodes itself: that of a java.util.HashMap.

A client's text is stored as it came. Where the broker changes properties (a delay begins or ends, a message is sent
back) it writes all of them anew, and then the same map must give the same bytes: a whole file of ours is upstream's.
Invariant: the order depends on the names alone and on the sequence they were put in.
"""

from collections.abc import Iterable, Mapping

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import encode_properties

FIRST_CAPACITY = 16
LONGEST_CHAIN = 8           # one name more in a bucket doubles a small table
SMALL_CAPACITY = 64         # from here on such a bucket becomes a tree instead


def encode_in_map_order(properties: Mapping[str, str]) -> bytes:
    """`name 0x01 value 0x02` of each, as upstream's broker orders them."""
    return encode_properties({name: properties[name] for name in map_order(properties)})


def map_order(names: Iterable[str]) -> list[str]:
    """The iteration order of a java.util.HashMap into which these names were put one after the other.

    A bucket is `hash ^ hash >>> 16` modulo the capacity, a power of two that doubles at three quarters of itself; a
    bucket keeps the order of putting, also when it is split. Not followed are the trees that stand for a bucket of
    nine names and more in a table of 64 and more: such names have to be made for the purpose.
    """
    spread = {name: _spread(java_hash_of(name)) for name in names}
    mask = _capacity(list(spread.values())) - 1
    return sorted(spread, key=lambda name: spread[name] & mask)


def _spread(hash_code: int) -> int:
    return (hash_code & 0xFFFFFFFF) ^ (hash_code & 0xFFFFFFFF) >> 16


def _capacity(hashes: list[int]) -> int:
    capacity = FIRST_CAPACITY
    for count, hash_code in enumerate(hashes, 1):
        if capacity < SMALL_CAPACITY:
            chain = sum((each ^ hash_code) & capacity - 1 == 0 for each in hashes[:count])
            if chain > LONGEST_CHAIN:
                capacity *= 2
        if count > capacity * 3 // 4:
            capacity *= 2
    return capacity
