"""SQL92 expressions once more, slowly: a reader that recurses, and a tree of closures over a dict of properties.

Shares nothing with rocketpy: what both say alike is not the mistake of one. It knows no bounds, and no places.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple

Evaluate = Callable[[Mapping[str, str]], object]


class Invalid(Exception):
    """The expression cannot be compiled."""


class Failed(Exception):
    """The evaluation fails; the message is the class of what upstream throws."""


class Whole(NamedTuple):
    """An Integer or a Long of Java."""

    bits: int
    number: int


class Node(NamedTuple):
    form: str  # name, constant, truth, negative
    evaluate: Evaluate
    value: object = None  # of a constant


TOKEN = re.compile(
    r"(?P<blank>[ \t\n\r\f]|--[^\n\r]*(?:\r\n|\n|\r)|/\*(?:[^*]|\*(?!/))*\*/)|(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<text>'(?:''|[^'])*')|(?P<real>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|(?P<whole>0|[1-9][0-9]*[lL]?)|(?P<sign><>|<=|>=|[<>=+(),-])"
)
KEYWORDS = {"NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS"}
ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0, "<=": lambda sign: sign <= 0, ">": lambda sign: sign > 0, ">=": lambda sign: sign >= 0
}  # fmt: skip


class Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.ahead: tuple[str, str] | None = None

    def peek(self) -> tuple[str, str]:
        while self.ahead is None:
            if self.at == len(self.text):
                self.ahead = ("end", "")
                break
            match = TOKEN.match(self.text, self.at)
            if match is None:
                raise Invalid(self.at)
            self.at = match.end()
            kind, word = match.lastgroup or "", match[0]
            if kind == "word" and word.upper() in KEYWORDS:
                kind, word = "sign", word.upper()
            if kind != "blank":
                self.ahead = (kind, word)
        return self.ahead

    def take(self, *signs: str) -> str | None:
        kind, word = self.peek()
        if kind == "sign" and word in signs:
            self.ahead = None
            return word
        return None

    def want(self, *signs: str) -> str:
        word = self.take(*signs)
        if word is None:
            raise Invalid(self.peek())
        return word

    def disjunction(self) -> Node:
        left = self.conjunction()
        while self.take("OR"):
            left = decided(left, self.conjunction(), True)
        return left

    def conjunction(self) -> Node:
        left = self.equality()
        while self.take("AND"):
            left = decided(left, self.equality(), False)
        return left

    def equality(self) -> Node:
        left = self.comparison()
        while word := self.take("=", "<>", "IS"):
            if word == "IS":
                negative = self.take("NOT")
                self.want("NULL")
                left = equal(left, Node("constant", lambda _: None))
                left = negated(left) if negative else left
                continue
            right = self.comparison()
            check_equal(left, right)
            left = equal(left, right) if word == "=" else negated(equal(left, right))
        return left

    def comparison(self) -> Node:
        left = self.unary()
        while word := self.take("<", "<=", ">", ">=", "BETWEEN", "IN", "NOT"):
            negative = word == "NOT"
            if negative:
                word = self.want("BETWEEN", "IN")
            if word == "BETWEEN":
                left = self.between(left, negative)
            elif word == "IN":
                left = negated(self.contained(left)) if negative else self.contained(left)
            else:
                left = ordered(left, word, self.unary())
        return left

    def between(self, value: Node, negative: bool) -> Node:
        low = self.unary()
        self.want("AND")
        high = self.unary()
        if negative:
            return decided(ordered(value, "<", low), ordered(value, ">", high), True)
        if low.form == high.form == "constant" and compared(high.value, low.value, Invalid) < 0:
            raise Invalid(low, high)
        return decided(ordered(value, ">=", low), ordered(value, "<=", high), False)

    def contained(self, value: Node) -> Node:
        self.want("(")
        texts = [self.text_literal()]
        while self.take(","):
            texts.append(self.text_literal())
        self.want(")")
        if value.form != "name":
            raise Invalid(value)

        def evaluate(properties: Mapping[str, str]) -> object:
            found = value.evaluate(properties)
            return None if found is None else found in texts

        return Node("truth", evaluate)

    def text_literal(self) -> str:
        kind, word = self.peek()
        if kind != "text":
            raise Invalid(word)
        self.ahead = None
        return word[1:-1].replace("''", "'")

    def unary(self) -> Node:
        if self.take("+"):
            return self.unary()
        if self.take("-"):
            operand = self.unary()
            return Node("negative", lambda properties: negative_of(operand.evaluate(properties)))
        if self.take("NOT"):
            return negated(self.unary())
        if self.take("("):
            inner = self.disjunction()
            self.want(")")
            return inner
        return self.leaf()

    def leaf(self) -> Node:
        kind, word = self.peek()
        if kind == "word":
            self.ahead = None
            return Node("name", lambda properties: properties.get(word))
        if kind == "text":
            return constant(self.text_literal())
        if kind == "sign":
            return constant({"TRUE": True, "FALSE": False, "NULL": None}[self.want("TRUE", "FALSE", "NULL")])
        self.ahead = None
        if kind == "whole" and int(word.rstrip("lL")) < 2**63:
            number = int(word.rstrip("lL"))
            return constant(Whole(32 if number < 2**31 else 64, number))
        if kind == "real" and float(word) not in (0, math.inf):
            return constant(float(word))
        raise Invalid(word)


def constant(value: object) -> Node:
    return Node("constant", lambda _: value, value)


def truth(node: Node) -> Node:
    if node.form == "name":
        return Node("truth", lambda properties: None if node.evaluate(properties) is None else False)
    if node.form == "truth" or (node.form == "constant" and (node.value is None or isinstance(node.value, bool))):
        return node
    raise Invalid(node)


def decided(left: Node, right: Node, by: bool) -> Node:
    first, second = truth(left), truth(right)

    def evaluate(properties: Mapping[str, str]) -> object:
        values = [first.evaluate(properties)]
        if values[0] is not by:
            values.append(second.evaluate(properties))
        return by if by in values else None if None in values else not by

    return Node("truth", evaluate)


def negated(node: Node) -> Node:
    operand = truth(node)

    def evaluate(properties: Mapping[str, str]) -> object:
        value = operand.evaluate(properties)
        return None if value is None else not value

    return Node("truth", evaluate)


def check_equal(left: Node, right: Node) -> None:
    for node in (left, right):
        if node.form == "constant" and node.value is None:
            raise Invalid(node)
    if left.form == right.form == "constant" and isinstance(left.value, bool) and not isinstance(right.value, bool):
        raise Invalid(left)


def equal(left: Node, right: Node) -> Node:
    def evaluate(properties: Mapping[str, str]) -> object:
        first, second = left.evaluate(properties), right.evaluate(properties)
        if first is None or second is None:
            return (True if second is None else None) if first is None else False
        return compared(first, second, Failed) == 0

    return Node("truth", evaluate)


def ordered(left: Node, sign: str, right: Node) -> Node:
    for node in (left, right):
        if node.form == "truth" or (node.form == "constant" and not isinstance(node.value, (Whole, float))):
            raise Invalid(node)

    def evaluate(properties: Mapping[str, str]) -> object:
        first = left.evaluate(properties)
        second = None if first is None else right.evaluate(properties)
        if first is None or second is None:
            return None
        if isinstance(first, str) and isinstance(second, str):
            first, second = double(first), double(second)
        return ORDER[sign](compared(first, second, Failed))

    return Node("truth", evaluate)


def compared(left: object, right: object, error: type[Exception]) -> int:
    """Below, at or above 0, as Java's compareTo; -1 for what has no order."""
    if isinstance(left, str) and isinstance(right, str):
        return 0 if left == right else -1
    if isinstance(left, bool) and isinstance(right, str):
        raise error("ClassCastException")
    if isinstance(left, str):
        left = read(left, right)
    elif isinstance(right, str):
        right = read(right, left)
    if left is None or right is None:
        raise error("null")
    if isinstance(left, bool) != isinstance(right, bool):
        return -1
    if isinstance(left, float) or isinstance(right, float):
        pair = [key(float(value.number) if isinstance(value, Whole) else value) for value in (left, right)]
    else:
        pair = [value.number if isinstance(value, Whole) else value for value in (left, right)]
    return (pair[0] > pair[1]) - (pair[0] < pair[1])


def key(number: float) -> tuple[bool, float, float]:
    """Sorts doubles as Double.compareTo does."""
    return (True, 0.0, 0.0) if math.isnan(number) else (False, number, math.copysign(1, number))


def read(text: str, other: object) -> object:
    if isinstance(other, bool):
        return text.isascii() and text.lower() == "true"
    if isinstance(other, float):
        return double(text)
    assert isinstance(other, Whole)
    return whole(text, other.bits)


def whole(text: str, bits: int) -> Whole:
    digits = [unicodedata.decimal(c, None) if c < "\U00010000" else None for c in text[text[:1] in ("+", "-") :]]
    if not digits or None in digits:
        raise Failed("RuntimeException")
    number = int("".join(map(str, digits))) * (-1 if text[0] == "-" else 1)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise Failed("RuntimeException")
    return Whole(bits, number)


DECIMAL = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?")
HEXADECIMAL = re.compile(r"([+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?")
SPECIAL = re.compile(r"[+-]?(?:NaN|Infinity)")


def double(text: str) -> float:
    text = text.strip("".join(map(chr, range(33))))
    if SPECIAL.fullmatch(text):
        return float(text)
    if match := DECIMAL.fullmatch(text):
        return float(match[1])
    if match := HEXADECIMAL.fullmatch(text):
        return hexadecimal(match[1])
    raise Failed("RuntimeException")


def hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return -math.inf if text[0] == "-" else math.inf


def negative_of(value: object) -> object:
    if isinstance(value, Whole):
        return Whole(value.bits, -value.number)
    return -value if isinstance(value, float) else None


def outcome(text: str, properties: Mapping[str, str]) -> str:
    """`true`, `false`, `null`, `COMPILE_ERROR` or `EVAL_ERROR` with upstream's class."""
    try:
        reader = Reader(text)
        node = truth(reader.disjunction())
        reader.peek()
    except (Invalid, Failed):
        return "COMPILE_ERROR"
    try:
        return {True: "true", False: "false", None: "null"}[node.evaluate(properties)]  # type: ignore[index]
    except Failed as error:
        return f"EVAL_ERROR {error}"
