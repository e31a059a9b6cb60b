"""Reads JSON as leniently as fastjson does."""

from collections.abc import Callable, Hashable
from typing import Any

def read_json(text: str, object_key: Callable[[dict[Any, Any]], Hashable] | None = None) -> Any:
    """The value `text` means; an object that is a key becomes what `object_key` makes of it.

    Integer keys are int, whether quoted by the peer or not is kept apart: `{0:…}` gives 0, `{"0":…}` gives "0".
    Raises ProtocolError for anything fastjson would not read either.
    """

def join_surrogates(text: str) -> str:
    """UTF-16 halves made whole; a half alone is '?', which is what Java writes for it."""
