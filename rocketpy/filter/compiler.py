"""Compiles an SQL92 expression into a Filter, or says where it is wrong.

Invariant: time and memory are bounded by MAX_CHARACTERS and MAX_WORDS, whatever a peer sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from lark import Token, Transformer, UnexpectedToken, v_args
from lark.parsers.lalr_interactive_parser import InteractiveParser

from rocketpy._core.sql_filter import MOST_PROPERTIES, Filter, Op
from rocketpy.errors import FilterSyntaxError
from rocketpy.filter import operands
from rocketpy.filter.grammar import parser
from rocketpy.filter.operands import Operand
from rocketpy.filter.place import place_of
from rocketpy.filter.refused import Refused
from rocketpy.filter.words import meaning_of

MAX_CHARACTERS = 32_768
MAX_WORDS = 4_096  # of about 12 µs each: a heartbeat holds up the others for 50 ms at most
SHOWN = 40  # characters of a word in a remark
KEPT = 100  # compiled expressions, as upstream's parser keeps them: clients have theirs checked time and again


@lru_cache(maxsize=KEPT)
def compile_expression(text: str) -> Filter:
    """The filter of an SQL92 expression (SelectorParser.parse of 4.5.2); FilterSyntaxError with remark and place.

    As upstream's parser has no rule for the end, whatever follows a complete expression and one more word is ignored.
    """
    try:
        return Filter(text, program_of(text))
    except Refused as refused:
        line, column = place_of(text, refused.at)
        remark = f"Invalid MessageSelector. {refused.message} at line {line}, column {column}. {refused.hint}".strip()
        raise FilterSyntaxError(remark, line, column) from None


def program_of(text: str) -> list[tuple[Op, object]]:
    if len(text) > MAX_CHARACTERS:
        raise Refused(MAX_CHARACTERS, "Expression is too long", f"At most {MAX_CHARACTERS} characters are taken")
    program = parse(text).program
    names = {operand for op, operand in program if op is Op.PROPERTY}
    if len(names) > MOST_PROPERTIES:
        raise Refused(0, "Expression has too many different properties", f"At most {MOST_PROPERTIES} are taken")
    return program


def parse(text: str) -> Operand:
    """Feeds token by token, to stop at the first that does not continue the expression."""
    parsing = parser(Actions).parse_interactive(text)
    count = 0
    for token in tokens_of(parsing):
        if count == MAX_WORDS:
            raise Refused(operands.place(token), "Expression is too long", f"At most {MAX_WORDS} words are taken")
        try:
            parsing.feed_token(token)
        except UnexpectedToken:
            return finish(text, parsing, count, token)
        count += 1
    return finish(text, parsing, count, Token("$END", "", len(text)))


def tokens_of(parsing: InteractiveParser) -> Iterator[Token]:
    return parsing.lexer_thread.lex(parsing.parser_state)  # type: ignore[no-any-return, no-untyped-call]


def finish(text: str, parsing: InteractiveParser, count: int, token: Token) -> Operand:
    """The expression before `token`, which is the text's (count + 1)th, when that is one."""
    try:
        expression = parsing.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedToken:
        found = json.dumps(token[:SHOWN]) if token else "the end"
        raise Refused(operands.place(token), f"Encountered {found}", f"Was expecting {expected(text, count)}") from None
    assert isinstance(expression, Operand)
    return expression


def expected(text: str, count: int) -> str:
    """What may follow the first `count` tokens. Read anew: a token that was fed in vain has let some rules end."""
    parsing = parser(Actions).parse_interactive(text)
    for token in islice(tokens_of(parsing), count):
        parsing.feed_token(token)
    accepted = parsing.accepts()  # type: ignore[no-untyped-call]
    words = sorted({meaning_of(terminal) for terminal in accepted})
    return f"one of: {', '.join(words)}" if len(words) > 1 else words[0]


@v_args(inline=True)
class Actions(Transformer[Token, Operand]):
    """One method a rule of the grammar, named as there."""

    def start(self, operand: Operand) -> Operand:
        return operands.truth_of(operand)

    def either(self, left: Operand, _or: Token, right: Operand) -> Operand:
        return operands.either(left, right)

    def both(self, left: Operand, _and: Token, right: Operand) -> Operand:
        return operands.both(left, right)

    def equal(self, left: Operand, _equal: Token, right: Operand) -> Operand:
        return operands.equal(left, right)

    def not_equal(self, left: Operand, _not_equal: Token, right: Operand) -> Operand:
        return operands.negation(operands.equal(left, right))

    def is_null(self, operand: Operand, *_words: Token) -> Operand:
        return operands.is_null(operand)

    def is_not_null(self, operand: Operand, *_words: Token) -> Operand:
        return operands.negation(operands.is_null(operand))

    def order(self, left: Operand, sign: Token, right: Operand) -> Operand:
        return operands.order(Op[sign.type], left, right)

    def between(self, value: Operand, _between: Token, low: Operand, _and: Token, high: Operand) -> Operand:
        return operands.between(value, low, high)

    def not_between(
        self, value: Operand, _not: Token, _between: Token, low: Operand, _and: Token, high: Operand
    ) -> Operand:
        return operands.not_between(value, low, high)

    def contained(self, operand: Operand, _in: Token, _left: Token, texts: list[str], _right: Token) -> Operand:
        return operands.contained(operand, frozenset(texts))

    def not_contained(
        self, operand: Operand, _not: Token, _in: Token, _left: Token, texts: list[str], _right: Token
    ) -> Operand:
        return operands.negation(operands.contained(operand, frozenset(texts)))

    def texts(self, text: Token) -> list[str]:
        return [operands.text_of(text)]

    def more_texts(self, texts: list[str], _comma: Token, text: Token) -> list[str]:
        texts.append(operands.text_of(text))
        return texts

    def plus(self, _plus: Token, operand: Operand) -> Operand:
        return operand

    def minus(self, _minus: Token, operand: Operand) -> Operand:
        return operands.minus(operand)

    def negation(self, _not: Token, operand: Operand) -> Operand:
        return operands.negation(operand)

    def text(self, token: Token) -> Operand:
        return operands.constant_of(token, operands.text_of(token))

    def integer(self, token: Token) -> Operand:
        return operands.constant_of(token, operands.integer_of(token))

    def float(self, token: Token) -> Operand:
        return operands.constant_of(token, operands.float_of(token))

    def constant(self, token: Token) -> Operand:
        return operands.constant_of(token, {"TRUE": True, "FALSE": False, "NULL": None}[token.type])

    def property(self, token: Token) -> Operand:
        return operands.property_of(token)

    def parentheses(self, _left: Token, operand: Operand, _right: Token) -> Operand:
        return operand
