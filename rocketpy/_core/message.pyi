"""Messages and their bytes: commit log records, properties text, batch bodies, message ids.

Invariant: decode then encode gives the same bytes, and malformed bytes raise CorruptMessage, never anything else.
"""

from collections.abc import Iterable, Mapping

from typing_extensions import Buffer

class Message:
    """One message. What the sender or the log says stands in its attributes; the rest is derived from them."""

    topic: str
    body: bytes  # as received: compressed when sys_flag says so
    flag: int
    queue_id: int
    sys_flag: int
    reconsume_times: int
    born_timestamp: int
    store_timestamp: int
    queue_offset: int
    physical_offset: int
    prepared_transaction_offset: int
    born_host: tuple[str, int]
    store_host: tuple[str, int]

    def __init__(
        self,
        topic: str,
        body: bytes = b"",
        *,
        properties: Mapping[str, str] | None = None,
        properties_raw: bytes | None = None,
        flag: int = 0,
        queue_id: int = 0,
        sys_flag: int = 0,
        born_timestamp: int = 0,
        born_host: tuple[str, int] = ("0.0.0.0", 0),
        store_timestamp: int = 0,
        store_host: tuple[str, int] = ("0.0.0.0", 0),
        reconsume_times: int = 0,
        queue_offset: int = 0,
        physical_offset: int = 0,
        prepared_transaction_offset: int = 0,
    ) -> None: ...
    @property
    def properties(self) -> Mapping[str, str]:
        """The properties by name, read-only; assign a whole mapping to change them (the text is encoded anew)."""
    @properties.setter
    def properties(self, value: Mapping[str, str]) -> None: ...
    @property
    def properties_raw(self) -> bytes:
        """The properties text as received or stored; assigning it replaces the properties."""
    @properties_raw.setter
    def properties_raw(self, value: bytes) -> None: ...
    def get_property(self, name: str, default: str | None = None) -> str | None:
        """One property, read from the text without decoding the others."""
    def put_property(self, name: str, value: str) -> None:
        """Set one property; the text is encoded anew."""
    @property
    def body_crc(self) -> int:
        """CRC32 of the body without its sign bit."""
    @property
    def size(self) -> int:
        """Bytes of the record."""
    @property
    def msg_id(self) -> str:
        """The id made of store host and physical offset; also called offset message id."""
    def decompressed_body(self) -> bytes:
        """The body as the sender gave it; CorruptMessage when it says compressed but is not."""
    def copy(self) -> Message:
        """An equal message whose changes do not touch this one."""

def decode_message(buffer: Buffer, at: int = 0, check_crc: bool = True) -> Message:
    """The record at `at`; CorruptMessage for anything else, a blank included."""

def decode_messages(buffer: Buffer) -> list[Message]:
    """The records of a pull or query body, one after the other to the end."""

def encode_message(message: Message) -> bytes:
    """The record as the commit log holds it; ValueError for what no record can hold."""

def encode_properties(properties: Mapping[str, str]) -> bytes:
    """`name 0x01 value 0x02` of each."""

def decode_properties(raw: bytes) -> dict[str, str]:
    """The properties of a text as upstream splits it; never fails, what is no pair is left out."""

def encode_batch(messages: Iterable[Message]) -> bytes:
    """The body in which a client sends several messages: flag, body and properties of each."""

def decode_batch(body: Buffer) -> list[Message]:
    """The messages of a batch body, without topic."""

def message_id(host: tuple[str, int], physical_offset: int) -> str:
    """32 upper-case hex digits: IPv4, port, commit log offset."""

def decode_message_id(msg_id: str) -> tuple[tuple[str, int], int]:
    """(host, physical offset) of a message id; ValueError when it is none."""
