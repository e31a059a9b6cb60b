"""Cuts an SQL92 expression into words, as upstream's SelectorParserTokenManager does: always the longest that there is.

Invariant: it reads no further than the word it is asked for, in time that grows with the text and no faster.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lark import Token
from lark.lexer import Lexer

from rocketpy.filter.refused import Refused

KEYWORDS = frozenset("NOT AND OR BETWEEN IN TRUE FALSE NULL IS".split())

# Letters and digits are ASCII's. A name is read as a whole and then looked up among the keywords: `ANDx` is a property.
# A number ends where the longest one ends: `05` is 0 and 5, `5la` is 5l and a.
WORD = re.compile(
    r"""
      (?P<BLANKS> [ \t\n\r\f]+ )
    | (?P<BLOCK_COMMENT> /\* [^*]* \*+ (?: [^*/] [^*]* \*+ )* / )
    | (?P<PROPERTY> [A-Za-z_$] [A-Za-z0-9_$]* )
    | (?P<STRING> ' [^']* (?: '' [^']* )* ' )
    | (?P<FLOAT> (?: [0-9]+ \. [0-9]* | \. [0-9]+ ) (?: [eE] [+-]? [0-9]+ )? | [0-9]+ [eE] [+-]? [0-9]+ )
    | (?P<INTEGER> 0 | [1-9] [0-9]* [lL]? )
    | (?P<NOT_EQUAL> <> ) | (?P<LESS_EQUAL> <= ) | (?P<LESS> < ) | (?P<GREATER_EQUAL> >= ) | (?P<GREATER> > )
    | (?P<EQUAL> = ) | (?P<PLUS> \+ ) | (?P<MINUS> - ) | (?P<LEFT> \( ) | (?P<RIGHT> \) ) | (?P<COMMA> , )
    """,
    re.VERBOSE,
)
SKIPPED = frozenset({"BLANKS", "BLOCK_COMMENT"})
LINE_END = re.compile(r"\r\n|\n|\r")
MEANING = {
    "NOT_EQUAL": "<>", "LESS_EQUAL": "<=", "LESS": "<", "GREATER_EQUAL": ">=", "GREATER": ">", "EQUAL": "=",
    "PLUS": "+", "MINUS": "-", "LEFT": "(", "RIGHT": ")", "COMMA": ",",
    "PROPERTY": "a property", "STRING": "a string", "INTEGER": "a number", "FLOAT": "a number",
}  # fmt: skip


class Words(Lexer):
    """The words of a text as lark asks for them."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, data: str) -> Iterator[Token]:  # type: ignore[override]  # lark's way to call a lexer of one's own
        return words(data)


def words(text: str) -> Iterator[Token]:
    """Each word without blanks and comments; Refused where there is none.

    `--` begins a comment only if its line ends: in the last line it is two signs.
    """
    last_line = max(text.rfind("\n"), text.rfind("\r"))
    at = 0
    while at < len(text):
        if at < last_line and text.startswith("--", at):
            at = end_of_line(text, at)
            continue
        match = WORD.match(text, at)
        if match is None:
            hint = "A string ends with a single quote" if text[at] == "'" else ""
            raise Refused(at, f"Lexical error, encountered {json.dumps(text[at])}", hint)
        kind = match.lastgroup or ""
        if kind not in SKIPPED:
            yield Token(keyword_or(kind, match[0]), match[0], start_pos=at)
        at = match.end()


def end_of_line(text: str, at: int) -> int:
    match = LINE_END.search(text, at)
    return match.end() if match else len(text)


def keyword_or(kind: str, word: str) -> str:
    return word.upper() if kind == "PROPERTY" and word.upper() in KEYWORDS else kind


def meaning_of(terminal: str) -> str:
    """A terminal of the grammar as an expression's author knows it."""
    return MEANING.get(terminal, terminal)
