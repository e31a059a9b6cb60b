"""The checker's CRC agrees with crcmod's own function and with zlib, and shares nothing with either at run time."""

import random
import zlib

import crcmod
import pytest

from rocketpy._core.check_crc import second_crc_of
from rocketpy._core.hashing import body_crc_of

MASK = 0x7FFFFFFF
crcmods = crcmod.mkCrcFun(0x104C11DB7, initCrc=0, xorOut=0xFFFFFFFF)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 15, 16, 63, 64, 65, 1000, 65537])
def test_three_implementations_agree(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert second_crc_of(data) == crcmods(data) & MASK == zlib.crc32(data) & MASK
    assert second_crc_of(data) == body_crc_of(data)


def test_the_known_value() -> None:
    assert second_crc_of(b"123456789") == 0xCBF43926 & MASK
