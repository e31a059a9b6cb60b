"""Numbers out of text as Java's Integer, Long and Double read them; what Java refuses is None."""

def int_of(text: str) -> int | None:
    """`Integer.valueOf`: 32 bits."""

def long_of(text: str) -> int | None:
    """`Long.valueOf`: 64 bits."""

def double_of(text: str) -> float | None:
    """`Double.valueOf`."""
