"""Size and bits are upstream's: they stand on disk."""

import pytest

from rocketpy.filter.bloom import BloomFilter

# (error %, names) -> positions a name, bits, and the bits of two names, as upstream's BloomFilter answered
VERIFIED = {
    (20, 32): (3, 112, [109, 15, 3], [48, 65, 29]),
    (20, 64): (3, 216, [13, 39, 91], [16, 145, 157]),
    (10, 128): (4, 616, [221, 183, 339, 65], [384, 513, 589, 467]),
    (1, 32): (7, 312, [205, 279, 115, 57, 230, 164, 8], [160, 73, 13, 155, 243, 237, 161]),
    (50, 32): (1, 48, [13], [16]),
}


@pytest.mark.parametrize("parameters", VERIFIED)
def test_size_and_positions_are_upstreams(parameters):
    hash_num, bit_num, first, second = VERIFIED[parameters]
    bloom = BloomFilter(*parameters)
    assert (bloom.hash_num, bloom.bit_num, bloom.bitmap_bytes) == (hash_num, bit_num, bit_num // 8)
    assert bloom.positions("CG#TopicTest") == first
    assert bloom.positions("G1#T") == second


@pytest.mark.parametrize("parameters", [(0, 32), (100, 32), (20, 0)])
def test_parameters_that_make_no_filter(parameters):
    with pytest.raises(ValueError, match="no bloom filter"):
        BloomFilter(*parameters)


def test_the_largest_filter_has_a_number_of_bits_that_is_one():
    assert BloomFilter(1, 2**31 - 1).bit_num == 2**31 - 1


def test_what_another_filter_made_is_known_as_such():
    bloom = BloomFilter(20, 32)
    assert bloom.has_made(112, [1, 2, 3])
    assert not bloom.has_made(112, [1, 2])
    assert not bloom.has_made(216, [1, 2, 3])
    assert not bloom.has_made(112, None)
