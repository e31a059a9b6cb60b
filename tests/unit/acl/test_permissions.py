"""Permission words and bits."""

import pytest

from rocketpy.acl.errors import AclError
from rocketpy.acl.permissions import (
    ANY,
    DENY,
    PUB,
    SUB,
    merge,
    parse_permission,
    parse_resources,
    permits,
    resource_text,
)


@pytest.mark.parametrize(
    ("word", "bits"),
    [
        ("PUB", PUB),
        ("SUB", SUB),
        ("PUB|SUB", PUB | SUB),
        ("SUB|PUB", PUB | SUB),
        (" PUB ", PUB),
        ("DENY", DENY),
        (None, DENY),
        ("", DENY),
        ("pub", DENY),
        ("PUB|", DENY),
        ("ANY", DENY),
    ],
)
def test_words_are_upstreams(word, bits):
    assert parse_permission(word) == bits


@pytest.mark.parametrize(
    ("needed", "owned", "may"),
    [
        (PUB, PUB, True),
        (PUB, SUB, False),
        (SUB, PUB | SUB, True),
        (ANY, PUB, True),
        (ANY, SUB, True),
        (ANY, 0, False),
        (PUB, DENY, False),
        (PUB, DENY | PUB, False),
        (ANY, DENY | PUB | SUB, False),
    ],
)
def test_deny_wins(needed, owned, may):
    assert permits(needed, owned) is may


def test_groups_are_kept_under_their_retry_topics():
    assert parse_resources(["g=SUB"], groups=True) == {"%RETRY%g": SUB}
    assert parse_resources(["a = PUB", "b==SUB"], groups=False) == {"a": PUB, "b": SUB}


def test_a_name_that_stands_twice_is_denied_if_one_says_so():
    assert parse_resources(["a=DENY", "a=PUB"], groups=False) == {"a": DENY}
    assert parse_resources(["a=PUB", "a=SUB"], groups=False) == {"a": SUB}
    into = {"%RETRY%g": DENY}
    merge(into, {"%RETRY%g": PUB | SUB})
    assert into == {"%RETRY%g": DENY}


@pytest.mark.parametrize("entry", ["a", "a=PUB=SUB", "", "="])
def test_other_shapes_are_refused(entry):
    with pytest.raises(AclError, match="Parse resource permission failed for topic:" + entry):
        parse_resources([entry], groups=False)


def test_resources_as_remarks_name_them():
    assert resource_text("%RETRY%g") == "group:g"
    assert resource_text("t") == "topic:t"
