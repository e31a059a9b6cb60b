"""Every header class: round trips, and garbage that is refused with a named field or taken."""

import dataclasses
from types import NoneType
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocketpy._core.command import request
from rocketpy.errors import RequestRefused
from rocketpy.protocol.header import Int
from rocketpy.protocol.headers import REQUEST_HEADERS, RESPONSE_HEADERS

CLASSES = sorted({*REQUEST_HEADERS.values(), *RESPONSE_HEADERS.values()}, key=lambda cls: cls.__name__)
SPECIAL = {
    "topic_filter_type": st.sampled_from(["SINGLE_TAG", "MULTI_TAG"]),
    "commit_or_rollback": st.sampled_from([0, 8, 12]),
}


def values_of(hint):
    """Values of a field's type."""
    if NoneType in get_args(hint):
        return st.none() | values_of(next(arg for arg in get_args(hint) if arg is not NoneType))
    if hint is str:
        return st.text(max_size=20)
    if hint is bool:
        return st.booleans()
    return st.integers(-(2**31), 2**31 - 1) if hint == Int else st.integers(-(2**63), 2**63 - 1)


def headers_of(cls):
    """Headers of this class."""
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    return st.builds(cls, **{name: SPECIAL[name] if name in SPECIAL else values_of(hints[name]) for name in names})


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_header_round_trips(cls):
    @settings(max_examples=25)
    @given(headers_of(cls))
    def check(header):
        assert cls.decode(request(0, header.encode())) == header

    check()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_garbage_is_taken_or_refused_by_name(cls):
    names = [*[cls.WIRE_NAMES.get(f.name, f.name) for f in dataclasses.fields(cls)], "topic", "queueId", "offset"]

    @settings(max_examples=25)
    @given(st.dictionaries(st.sampled_from(names), st.text(max_size=8)))
    def check(ext):
        try:
            cls.decode(request(0, ext))
        except RequestRefused as refused:
            assert refused.code == 1 and refused.remark.startswith("the custom field <")

    check()
