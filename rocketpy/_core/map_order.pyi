"""Properties written anew in the order of upstream's HashMap, without Python objects."""

def in_map_order(properties: bytes, /) -> bytes | None:
    """The same properties in map order; None when they are not plain (store/property_order.py does them)."""
