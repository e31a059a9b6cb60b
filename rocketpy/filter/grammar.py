"""The grammar of SQL92 expressions as upstream's SelectorParser.jj has it; which texts it takes, not what they mean.

Invariant: a parser calls one method of its actions for each rule as soon as the rule is complete, children first, and
keeps no tree: neither parsing nor compiling recurses, however deep an expression is nested.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from lark import Lark, Token, Transformer

from rocketpy.filter.words import Words

GRAMMAR = r"""
start: disjunction

?disjunction: conjunction
    | disjunction OR conjunction                            -> either
?conjunction: equality
    | conjunction AND equality                              -> both
?equality: comparison
    | equality EQUAL comparison                             -> equal
    | equality NOT_EQUAL comparison                         -> not_equal
    | equality IS NULL                                      -> is_null
    | equality IS NOT NULL                                  -> is_not_null
?comparison: unary
    | comparison (LESS|LESS_EQUAL|GREATER|GREATER_EQUAL) unary -> order
    | comparison BETWEEN unary AND unary                    -> between
    | comparison NOT BETWEEN unary AND unary                -> not_between
    | comparison IN LEFT texts RIGHT                        -> contained
    | comparison NOT IN LEFT texts RIGHT                    -> not_contained
?unary: primary
    | PLUS unary                                            -> plus
    | MINUS unary                                           -> minus
    | NOT unary                                             -> negation
?primary: STRING                                            -> text
    | INTEGER                                               -> integer
    | FLOAT                                                 -> float
    | (TRUE|FALSE|NULL)                                     -> constant
    | PROPERTY                                              -> property
    | LEFT disjunction RIGHT                                -> parentheses
texts: STRING
    | texts COMMA STRING                                    -> more_texts

%declare NOT AND OR BETWEEN IN TRUE FALSE NULL IS PROPERTY STRING FLOAT INTEGER NOT_EQUAL LESS_EQUAL LESS
%declare GREATER_EQUAL GREATER EQUAL PLUS MINUS LEFT RIGHT COMMA
"""


@cache
def parser(actions: type[Transformer[Token, Any]]) -> Lark:
    """The parser that calls `actions`; made once, at the first expression."""
    return Lark(GRAMMAR, parser="lalr", lexer=Words, transformer=actions())
