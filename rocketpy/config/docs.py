"""Writes the tables of docs from the settings tables: `python -m rocketpy.config.docs docs/config.md docs/tls.md`.

A page's prose is written by hand; what stands between `<!-- table: X -->` and `<!-- end -->` is X's table.
A house test keeps both equal.
"""

import re
import sys
from pathlib import Path

from rocketpy.config.broker import BrokerConfig
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyClientConfig, NettyServerConfig
from rocketpy.config.setting import Setting, Settings
from rocketpy.config.store import MessageStoreConfig
from rocketpy.config.tls import TlsConfig

TABLES = {
    table.__name__: table
    for table in (BrokerConfig, MessageStoreConfig, NettyServerConfig, NettyClientConfig, NamesrvConfig, TlsConfig)
}
HEAD = "| property | type | default | -m | update | acts | meaning |\n| --- | --- | --- | --- | --- | --- | --- |\n"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_page(page: str) -> str:
    """The page with every table written anew."""
    return PLACE.sub(lambda place: place[1] + table_text(TABLES[place[2]]) + place[3], page)


def table_text(settings: type[Settings]) -> str:
    """One row a property, in the table's order."""
    return HEAD + "".join(_row(row, row.update if settings.by_request else "no") for row in settings.rows.values())


def _row(row: Setting, update: str) -> str:
    default = row.default_text or row.show(row.default_in(Environment())) or ("null" if row.default is None else '""')
    acts = f"not yet: {row.not_yet}" if row.not_yet else f"no: {row.no_effect}" if row.no_effect else "yes"
    cells = (f"`{row.name}`", row.java_type, default, "x" if row.important else "", update, acts, row.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(fill_page(path.read_text()))
