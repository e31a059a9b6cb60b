"""Permissions of a topic: a number of bits, printed as `RWX`."""

PRIORITY = 0x8
READ = 0x4
WRITE = 0x2
INHERIT = 0x1


def is_readable(perm: int) -> bool:
    """Whether consumers may pull."""
    return perm & READ != 0


def is_writable(perm: int) -> bool:
    """Whether producers may send."""
    return perm & WRITE != 0


def is_inherited(perm: int) -> bool:
    """Whether a topic may be created after this one's likeness."""
    return perm & INHERIT != 0


def perm_text(perm: int) -> str:
    """As `mqadmin` prints it: `RW-`."""
    flags = ((READ, "R"), (WRITE, "W"), (INHERIT, "X"))
    return "".join(letter if perm & bit else "-" for bit, letter in flags)
