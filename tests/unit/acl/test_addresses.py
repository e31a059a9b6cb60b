"""White-list patterns: what each matches, and what is none."""

import pytest

from rocketpy.acl.addresses import parse_address, split_patterns
from rocketpy.acl.errors import AclError

MATCHES = [
    ("*", "1.2.3.4"),
    ("*", "fe80::1"),
    ("*.*.*.*", "1.2.3.4"),
    ("10.0.0.1", "10.0.0.1"),
    ("10.0.0.1,10.0.0.2", "10.0.0.2"),
    ("10.0.0.1, 10.0.0.2", "10.0.0.2"),
    ("10.0.0.{1,2,3}", "10.0.0.3"),
    ("10.0.0.*", "10.0.0.255"),
    ("10.0.0.5-7", "10.0.0.5"),
    ("10.0.0.5-7", "10.0.0.7"),
    ("10.0.1-5.*", "10.0.3.77"),
    ("10.0.*.*", "10.0.9.9"),
    ("10.*.*.*", "10.9.9.9"),
    ("10.1-5.*.*", "10.5.9.9"),
    ("10.0.1-5.7", "10.0.3.7"),
]
MISSES = [
    ("", "10.0.0.1"),
    ("  ", "10.0.0.1"),
    (None, "10.0.0.1"),
    ("10.0.0.1", "10.0.0.11"),
    ("10.0.0.1", "fe80::1"),
    ("10.0.0.{1,2}", "10.0.0.3"),
    ("10.0.0.*", "10.0.1.1"),
    ("10.0.0.5-7", "10.0.0.8"),
    ("10.0.0.0-0", "10.0.0.1"),
    ("10.0.1-5.*", "10.0.6.1"),
    ("10.0.1-5.7", "10.0.3.9"),  # upstream looks no further than the range
    ("10.*.*.*", "11.0.0.1"),
    ("10.0.0.*", ""),
]
WRONG = [
    "10.0.0",
    "10.0.0.0.1",
    "10.0.0.256",
    "10.0.0.x",
    "10.0.0.2-1",
    "10.0.0.-1-200",
    "10.0.0.0-256",
    "10.0.0.1,2,3}",
    "10.0.0.{1,2",
    "10.0.0.{}",
    "10.0.{1,2}.3",
    "10.0.0.{300}",
    "10.0.0.٣",
    "fe80::1",
    "localhost",
]


@pytest.mark.parametrize(("text", "ip"), MATCHES)
def test_a_pattern_matches(text, ip):
    assert parse_address(text).matches(ip)


@pytest.mark.parametrize(("text", "ip"), MISSES)
def test_a_pattern_matches_nothing_else(text, ip):
    assert not parse_address(text).matches(ip)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_pattern_is_refused_by_name(text):
    with pytest.raises(AclError, match="examine scope Exception"):
        parse_address(text)


def test_a_list_is_not_split_inside_of_braces():
    assert split_patterns("10.0.0.{1,2}, 10.1.*.*,,10.2.0.1") == ["10.0.0.{1,2}", "10.1.*.*", "10.2.0.1"]
