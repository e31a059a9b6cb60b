"""One request or response of the wire as a Python object, and the full decoder of its header."""

from typing import Final

LANGUAGES: Final[tuple[str, ...]]

class Command:
    """A request or a response. `flag` says which; `opaque` ties them together."""

    code: int
    version: int
    opaque: int
    flag: int
    language: str
    remark: str | None
    ext: dict[str, str] | None
    body: bytes | None

    def __init__(
        self,
        code: int,
        ext: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        opaque: int = 0,
        flag: int = 0,
        language: str = "JAVA",
        version: int = 317,
        remark: str | None = None,
    ) -> None: ...
    @property
    def is_response(self) -> bool: ...
    @property
    def is_oneway(self) -> bool: ...
    def encode(self, serialize_type: int = 0) -> bytes:
        """The whole frame, with a JSON (0) or ROCKETMQ (1) header; members in fastjson's order, nulls left out."""

    @staticmethod
    def decode(frame: bytes | bytearray | memoryview) -> Command:
        """The command of exactly one whole frame. ProtocolError when it is none."""

def request(code: int, ext: dict[str, str] | None = None, body: bytes | None = None) -> Command:
    """A request; its opaque is given by whoever sends it."""

def response(
    code: int = 0, remark: str | None = None, ext: dict[str, str] | None = None, body: bytes | None = None
) -> Command:
    """A response; its opaque is filled in when it is sent as the answer to a request."""

def quote(text: str) -> str:
    """A JSON string as fastjson writes it."""

def to_text(value: object) -> str | None:
    """What fastjson makes of a member whose type is String."""
