"""The text of a table of `config/*.json`, kept row by row so that one change costs one row.

What stands in the file is, byte for byte, what fastjson prints of the whole. Invariant: `rows` has the table's keys, in
its order, each with its encoded value.
"""

from typing import Any

from rocketpy import json_file
from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import DataVersion


class TableText:
    """A member of a config file that holds rows by name."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._rows: dict[str, str] = {}

    def put(self, key: str, value: object) -> None:
        """Add or replace the row of a configuration object."""
        members: dict[str, Any] = fastjson.loads(fastjson.dumps(value))
        self.put_text(key, json_file.pretty(members).replace("\n", "\n\t\t"))

    def put_text(self, key: str, text: str) -> None:
        """Add or replace a row whose text, inner lines indented, is known."""
        self._rows[key] = f"\n\t\t{fastjson.dumps(key).decode()}:{text}"

    def remove(self, key: str) -> None:
        """Drop a row."""
        self._rows.pop(key, None)

    def clear(self) -> None:
        """Drop all rows."""
        self._rows.clear()

    def text(self, before: str = "") -> str:
        """The file: `before` is the text of the members that stand above the table."""
        rows = ",".join(self._rows.values())
        return f'{{{before}\n\t"{self._member}":{{{rows}' + ("\n\t}\n}" if rows else "}\n}")


def version_text(version: DataVersion) -> str:
    """The dataVersion member, which stands above the table."""
    return f'\n\t"dataVersion":{{\n\t\t"counter":{version.counter},\n\t\t"timestamp":{version.timestamp}\n\t}},'
