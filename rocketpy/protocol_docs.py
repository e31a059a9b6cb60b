"""Writes the tables of docs/protocol.md from the request tables: `python -m rocketpy.protocol_docs docs/protocol.md`.

The prose is written by hand; what stands between `<!-- codes: X -->` and `<!-- end -->` is the table of server X.
A house test keeps both equal.
"""

import re
import sys
from pathlib import Path

from rocketpy.acl import admin_codes
from rocketpy.broker import request_docs as broker_docs
from rocketpy.broker import request_table as broker
from rocketpy.namesrv import request_docs as namesrv_docs
from rocketpy.namesrv import request_table as namesrv
from rocketpy.protocol.codes_page import ServerCodes, table_text

NAME_SERVER, BROKER = "name server", "broker"
SERVERS = {
    NAME_SERVER: ServerCodes(namesrv.SERVED, namesrv_docs.ANSWERS, admin_codes.BROKER, BROKER),
    BROKER: ServerCodes(broker.SERVED, broker_docs.ANSWERS, admin_codes.NAME_SERVER, NAME_SERVER),
}
PLACE = re.compile(r"(<!-- codes: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_page(page: str) -> str:
    """The page with every table written anew."""
    return PLACE.sub(lambda place: place[1] + server_table(place[2]) + place[3], page)


def server_table(name: str) -> str:
    """The table of one server: all codes of 4.5.2."""
    return table_text(SERVERS[name])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(fill_page(path.read_text()))
