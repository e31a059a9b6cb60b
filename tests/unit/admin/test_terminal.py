"""What comes from others cannot give orders to an operator's terminal; a script gets it as it is."""

import io

import pytest

from rocketpy.admin.items import Column, Rows, Said, Table
from rocketpy.admin.render import Text, renderer

TABLE = Table("%s", (Column("#Client", "client"),))
BARE = Table("%s", (Column("#Client", "client"),), head="")
EVIL = "\x1b]0;title\x07\x9b2J\r\x7f"


class Tty(io.StringIO):
    def isatty(self):
        return True


def shown(out):
    rows = Rows(TABLE)
    shown_by = renderer(as_json=False, out=out)
    for item in (Said(f"BODY: {EVIL}\tend\n"), rows.head, rows.row(client=EVIL)):
        shown_by.take(item)
    shown_by.end()
    return out.getvalue()


def test_control_characters_are_pictures_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    body, head, cell = shown(Tty()).splitlines()
    assert body.split() == ["BODY:", "␛]0;title␇\ufffd2J␍␡", "end"]
    assert (head.strip(), cell.strip()) == ("#Client", "␛]0;title␇\ufffd2J␍␡")


def test_a_script_gets_them_as_they_are():
    out = io.StringIO()
    assert isinstance(renderer(as_json=False, out=out), Text)
    assert shown(out) == f"BODY: {EVIL}\tend\n#Client\n{EVIL}\n"


@pytest.mark.parametrize("out", [Tty(), io.StringIO()])
def test_a_table_without_a_head_has_none_anywhere(monkeypatch, out):
    monkeypatch.setenv("TERM", "dumb")
    rows = Rows(BARE)
    shown_by = renderer(as_json=False, out=out)
    for item in (rows.head, rows.row(client="a"), rows.row(client="b")):
        shown_by.take(item)
    shown_by.end()
    assert out.getvalue() == "a\nb\n"
