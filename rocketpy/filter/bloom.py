"""The bloom filter of consumer groups: which bits of a message's bitmap say that a group's expression is true for it.

Size and positions are upstream's (BloomFilter): they are on disk, in consumerFilter.json and in consumequeue_ext, and a
Java broker goes on with them. Invariant: every position lies below `bit_num`, which is a multiple of 8.
"""

import ctypes
import math

import mmh3

INT_MAX = 2**31 - 1


class BloomFilter:
    """A filter for `nums` names of which `error_percent` may be taken for one that is there."""

    def __init__(self, error_percent: int, nums: int) -> None:
        """ValueError unless 1 <= error_percent < 100 and nums >= 1."""
        if not 1 <= error_percent < 100 or nums < 1:
            raise ValueError(f"no bloom filter for {nums} names and an error rate of {error_percent} %")
        error_rate = error_percent / 100
        self.hash_num = math.ceil(_log(0.5, error_rate))
        bits = min(INT_MAX, math.ceil(nums * _log(2, 1 / error_rate) * _log(2, math.e)))
        self.bit_num = min(INT_MAX, 8 * math.ceil(bits / 8))

    @property
    def bitmap_bytes(self) -> int:
        """Bytes of a bitmap: bit p is bit p % 8, from the lowest, of byte p // 8."""
        return self.bit_num // 8

    def positions(self, name: str) -> list[int]:
        """Bits of a name (`group#topic`): from the halves of its murmur3_128, as 32-bit numbers."""
        hashed = mmh3.hash64(name.encode("utf-8", "replace"), signed=False)[0]
        first, second = hashed & 0xFFFFFFFF, hashed >> 32
        combined = (ctypes.c_int32(first + time * second).value for time in range(1, self.hash_num + 1))
        return [(~value if value < 0 else value) % self.bit_num for value in combined]

    def has_made(self, bit_num: int, positions: list[int] | None) -> bool:
        """Whether such positions are of a filter like this one."""
        return bit_num == self.bit_num and positions is not None and len(positions) == self.hash_num

    def __repr__(self) -> str:
        return f"BloomFilter({self.hash_num} positions in {self.bit_num} bits)"


def _log(base: float, value: float) -> float:
    return math.log(value) / math.log(base)
