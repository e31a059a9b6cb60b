"""The benchmark of filters measures expressions that can be compiled and that look at the record."""

from benchmarks import filters
from rocketpy.filter import compile_expression


def test_every_expression_is_measured() -> None:
    measured = dict(filters.measure(1, 10))
    assert list(measured) == filters.EXPRESSIONS


def test_the_first_expression_matches_and_looks_at_both_properties() -> None:
    first = compile_expression(filters.EXPRESSIONS[0])
    assert first.matches(filters.PROPERTIES)
    assert not first.matches(filters.PROPERTIES.replace(b"TAGS\x01y", b"TAGS\x01z"))
    assert not first.matches(filters.PROPERTIES.replace(b"a\x013", b"a\x016"))
