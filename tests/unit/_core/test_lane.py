"""A peer without a socket keeps what it is given; the base lane serves nothing."""

import pytest

from rocketpy._core.command import request
from rocketpy._core.lane import Lane, LanePeer


def test_late_frames_come_out_in_order_and_once():
    peer = LanePeer()
    for n in range(100):
        peer.write_late(bytes([n]) * 1000)
    assert peer.take_out() == b"".join(bytes([n]) * 1000 for n in range(100))
    assert peer.take_out() == b""


def test_the_base_lane_leaves_every_frame():
    assert not Lane().offer(request(10, {"topic": "T"}).encode(), LanePeer(), 0)


def test_a_lane_is_offered_whole_plain_frames_only():
    for data in (b"", request(10).encode()[:-1], b"\0\0\0\x06\0\0\0\x02[]"):
        with pytest.raises(ValueError, match="not a whole plain frame"):
            Lane().offer(data, LanePeer(), 0)
