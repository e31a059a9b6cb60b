"""Finds frames in received bytes and points at the parts of their headers."""

from typing import Any

REASONS: dict[int, str]

def reason_text(reason: int) -> str:
    """Why a negative result of `scan` means the bytes are malformed, for a log line."""

def scan(data: bytes | bytearray | memoryview) -> tuple[int, dict[str, Any] | None]:
    """Scan one frame: (> 0 its length, 0 incomplete, < 0 malformed; its fields, or only `odd` when it is odd).

    For tests and tools; the hot path uses the C functions of frame.pxd.
    """
