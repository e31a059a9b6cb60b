"""Arrows between rooms point down only: who may import whom (docs/architecture.md)."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PACKAGE = REPO / "rocketpy"
WORDS = {"errors", "clock"}
BASE = WORDS | {"protocol", "config", "json_file", "stats", "figures", "_core"}
SETTINGS = {"settings_file", "settings_update"}
WIRE_USERS = BASE | {"client", "remoting"}
ALLOWED = {
    "__init__": set(),
    "errors": set(),
    "clock": set(),
    "advertised_address": set(),
    "service_notice": set(),
    "_core": {"errors"},
    "json_file": WORDS | {"protocol", "_core"},
    "figures": set(),
    "stats": WORDS | {"_core"},
    "config": WORDS | {"advertised_address"},
    "protocol": WORDS | {"_core"},
    "settings_file": WORDS | {"config", "json_file"},
    "settings_update": WORDS | {"config", "protocol", "settings_file"},
    "filter": WORDS | {"protocol", "_core"},
    "acl": WORDS | {"protocol", "_core"},
    "access": BASE | {"acl"},
    "remoting": BASE,
    "store": BASE - {"protocol"},
    "store_tool": BASE | {"store"},
    "broker": BASE | {"store", "remoting", "filter", "acl", "access"} | SETTINGS,
    "namesrv": BASE | {"remoting", "acl", "access"} | SETTINGS,
    "client": BASE | {"remoting", "acl"},
    "doctor": WIRE_USERS | {"store", "acl", "access", "advertised_address", "logs"},
    "admin": WIRE_USERS | {"doctor"},
    "console": WIRE_USERS,
    "metrics": WIRE_USERS,
}
TOP = {
    "cli",
    "health",
    "launch",
    "measured",
    "logs",
    "processes",
    "protocol_docs",
    "quickstart",
    "quickstart_ports",
    "testing",
}  # the command line and the like: they may use everything
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+rocketpy(?:\.(?P<room>\w+)[\w.]*)?[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^\n]*)"
    r"|c?import[ \t]+rocketpy\.(?P<plain>\w+))",
    re.MULTILINE,
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].split(".")[0]


def imports(text: str) -> set[str]:
    """Rooms that a module's text imports."""
    found: set[str] = set()
    for match in IMPORT.finditer(text):
        if match["room"] or match["plain"]:
            found.add(match["room"] or match["plain"])
        else:
            found |= set(re.findall(r"\w+", match["names"])) - {"__version__"}
    return found


SOURCES = sorted(path for end in ("py", "pyx", "pxd", "pyi") for path in PACKAGE.rglob(f"*.{end}"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    room = room_of(path)
    if room in TOP:
        return
    wrong = imports(path.read_text()) - ALLOWED[room] - {room}
    assert not wrong, f"{room} must not import {', '.join(sorted(wrong))}"


def test_the_store_and_remoting_never_see_each_other() -> None:
    assert "remoting" not in ALLOWED["store"]
    assert "store" not in ALLOWED["remoting"]


@pytest.mark.parametrize(
    ("text", "rooms"),
    [
        ("from rocketpy.store.paths import x", {"store"}),
        ("    from rocketpy._core.frame cimport Frame", {"_core"}),
        ("import rocketpy.store", {"store"}),
        ("from rocketpy import json_file, clock", {"json_file", "clock"}),
        ("from rocketpy import (\n    json_file,\n)", {"json_file"}),
        ("from rocketpy import __version__", set()),
        ("# from rocketpy.store import x", set()),
    ],
)
def test_imports_are_found(text: str, rooms: set[str]) -> None:
    assert imports(text) == rooms
