"""What the rules of the grammar mean: operands, made of smaller ones, each with the program that computes it.

Invariant: an operand's program leaves one value more than it finds. Which operands may stand together, and the words of
refusal, are those of upstream's ComparisonExpression, UnaryExpression and LogicExpression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from lark import Token

from rocketpy._core.java_numbers import double_of, long_of
from rocketpy._core.sql_filter import MOST_WAITING, Op
from rocketpy.filter.refused import Refused

Instruction = tuple[Op, object]

MOST_INSTRUCTIONS = 16_384  # BETWEEN computes its left operand twice: nested, a short text would fill the memory


class Form(Enum):
    """What of an operand is known before any message is."""

    PROPERTY = auto()
    CONSTANT = auto()
    TRUTH = auto()  # TRUE, FALSE or NULL when computed
    NEGATIVE = auto()  # of whatever it will be


@dataclass(slots=True)
class Operand:
    """One operand; `height` is the number of values its program holds at most."""

    at: int  # of its first character in the expression
    form: Form
    program: list[Instruction]
    height: int = 1

    @property
    def constant(self) -> object:
        return self.program[0][1]

    def is_constant(self, *kinds: type) -> bool:
        return self.form is Form.CONSTANT and type(self.constant) in kinds


# --- leaves ---


def property_of(token: Token) -> Operand:
    return Operand(place(token), Form.PROPERTY, [(Op.PROPERTY, str(token))])


def text_of(token: Token) -> str:
    return token[1:-1].replace("''", "'")


def constant_of(token: Token, value: bool | int | float | str | None) -> Operand:
    return Operand(place(token), Form.CONSTANT, [(Op.CONSTANT, value)])


def integer_of(token: Token) -> int:
    """A Java long; upstream takes no larger one, and the sign is not part of it."""
    value = long_of(token.rstrip("lL"))
    if value is None:
        raise Refused(place(token), f"{token:.40} is greater than {2**63 - 1}")
    return value


def float_of(token: Token) -> float:
    """A Java double other than 0.0 and the infinite: upstream's check of the least one refuses zero as well."""
    value = cast(float, double_of(str(token)))
    if math.isinf(value):
        raise Refused(place(token), f"{token:.40} is greater than 1.7976931348623157E308")
    if value == 0:
        raise Refused(place(token), f"{token:.40} is less than 4.9E-324")
    return value


# --- truth ---


def both(left: Operand, right: Operand) -> Operand:
    return joined(truth_of(left), Op.SKIP_IF_FALSE, truth_of(right), Op.AND)


def either(left: Operand, right: Operand) -> Operand:
    return joined(truth_of(left), Op.SKIP_IF_TRUE, truth_of(right), Op.OR)


def negation(operand: Operand) -> Operand:
    return extended(truth_of(operand), Op.NOT)


def truth_of(operand: Operand) -> Operand:
    """A property is cast; a number or a text cannot stand where a truth value has to."""
    if operand.form is Form.PROPERTY:
        return extended(operand, Op.CAST)
    if operand.form is Form.NEGATIVE or operand.is_constant(int, float, str):
        raise Refused(operand.at, "Expression will not result in a boolean value")
    return operand


# --- comparisons ---


def minus(operand: Operand) -> Operand:
    return extended(operand, Op.NEGATE, Form.NEGATIVE)


def order(op: Op, left: Operand, right: Operand) -> Operand:
    for operand in (left, right):
        if operand.form is Form.TRUTH or operand.is_constant(str, bool, type(None)):
            raise Refused(operand.at, "Value cannot be compared by <, <=, > or >=")
    return joined(left, Op.SKIP_IF_NULL, right, op)


def equal(left: Operand, right: Operand) -> Operand:
    for operand in (left, right):
        if operand.is_constant(type(None)):
            raise Refused(operand.at, "NULL cannot be compared by = or <>", "Use IS NULL or IS NOT NULL")
    if left.is_constant(bool) and right.is_constant(int, float, str):
        raise Refused(left.at, "A boolean constant cannot be compared with what stands on its right")
    return joined(left, None, right, Op.EQUAL)


def is_null(operand: Operand) -> Operand:
    return joined(operand, None, Operand(operand.at, Form.CONSTANT, [(Op.CONSTANT, None)]), Op.EQUAL)


def between(value: Operand, low: Operand, high: Operand) -> Operand:
    check_bounds(low, high)
    again = copy(value)
    return both(order(Op.GREATER_EQUAL, value, low), order(Op.LESS_EQUAL, again, high))


def not_between(value: Operand, low: Operand, high: Operand) -> Operand:
    again = copy(value)
    return either(order(Op.LESS, value, low), order(Op.GREATER, again, high))


def check_bounds(low: Operand, high: Operand) -> None:
    """Two constants in the wrong order; NOT BETWEEN takes them. What is no number `order` refuses."""
    if low.is_constant(int, float) and high.is_constant(int, float):
        left, right = cast(float, low.constant), cast(float, high.constant)
        if float(left) > float(right) if isinstance(left, float) or isinstance(right, float) else left > right:
            raise Refused(low.at, f"Illegal values of between, left value({left}) is greater than right value({right})")


def contained(operand: Operand, texts: frozenset[str]) -> Operand:
    if operand.form is not Form.PROPERTY:
        raise Refused(operand.at, "Expected a property for In expression")
    return extended(operand, (Op.IN, texts))


# --- programs ---


def joined(left: Operand, skip: Op | None, right: Operand, op: Op) -> Operand:
    """`left`, then `right` unless `skip` says that left decides, then `op` of the two. Left's list goes on growing."""
    program = left.program
    if skip is not None:
        program.append((skip, len(right.program) + 1))
    program += right.program
    program.append((op, None))
    return bounded(Operand(left.at, Form.TRUTH, program, max(left.height, right.height + 1)))


def extended(operand: Operand, instruction: Op | Instruction, form: Form = Form.TRUTH) -> Operand:
    operand.program.append((instruction, None) if isinstance(instruction, Op) else instruction)
    return bounded(Operand(operand.at, form, operand.program, operand.height))


def copy(operand: Operand) -> Operand:
    return Operand(operand.at, operand.form, list(operand.program), operand.height)


def bounded(operand: Operand) -> Operand:
    if operand.height > MOST_WAITING:
        hint = f"At most {MOST_WAITING} operands can wait for others"
        raise Refused(operand.at, "Expression is nested too deep", hint)
    if len(operand.program) > MOST_INSTRUCTIONS:
        raise Refused(operand.at, "Expression is too large", "The left operand of BETWEEN counts twice")
    return operand


def place(token: Token) -> int:
    return token.start_pos or 0
