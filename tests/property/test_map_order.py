"""Properties written anew without Python objects stand as the slow way writes them, or are left to it."""

from hypothesis import example, given
from hypothesis import strategies as st

from rocketpy._core.map_order import in_map_order
from rocketpy._core.message import decode_properties
from rocketpy.store.property_order import encode_in_map_order

NAMES = st.one_of(
    st.sampled_from(["DELAY", "REAL_TOPIC", "REAL_QID", "UNIQ_KEY", "WAIT", "TAGS", "KEYS", "Aa", "BB", ""]),
    st.text(st.sampled_from("abAB12"), max_size=4),
)
ITEMS = st.builds("\x01".join, st.lists(st.one_of(NAMES, st.text(max_size=3)), min_size=1, max_size=3))
TEXTS = st.lists(ITEMS, max_size=40).map("\x02".join)


@given(TEXTS)
@example("\x02".join(f"{name}\x01v" for name in ("AaAaAa", "AaAaBB", "AaBBAa", "AaBBBB", "BBAaAa", "BBAaBB", "BBBBAa")))
def test_they_stand_in_the_same_order(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    quick = in_map_order(raw)
    if quick is not None:
        assert quick == encode_in_map_order(decode_properties(raw))


@given(st.dictionaries(NAMES.filter(bool), st.text(st.sampled_from("xyz"), min_size=1), max_size=8))
def test_ordinary_ones_are_not_left_to_the_slow_way(properties: dict[str, str]) -> None:
    raw = "".join(f"{name}\x01{value}\x02" for name, value in properties.items()).encode()
    assert in_map_order(raw) == encode_in_map_order(properties)
