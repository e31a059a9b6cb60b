"""Random SQL92 expressions, property texts and damaged expressions, the same for the same random.Random.

Every rule of the grammar and every form of a word comes up; most expressions compile, most properties are there.
"""

from __future__ import annotations

import random

NAMES = ["a", "b", "c", "TAGS", "$a", "_b1", "A", "a$", "NOTa", "inx", "truE_", "$", "_", "UNIQ_KEY"]
WHOLE = [
    "0", "1", "5", "6", "10", "5l", "5L", "0L", "05", "2147483647", "2147483648", "2147483649", "3000000000",
    "9223372036854775807", "9223372036854775807L", "9223372036854775808", "123456789012345678901234567890",
]  # fmt: skip
REAL = [
    "5.5", "5.", ".5", "5E1", "5e+1", "5E-1", "5.0", "1.e2", ".5E3", "05.5", "0.0", "0e5", "4.9E-324", "1e-400", "0.1",
    "1.7976931348623157e308", "1.8e308", "1e400", "9007199254740993.0", "2147483647.5", "00.1e01",
]  # fmt: skip
TEXTS = [
    "", "x", "y", "abc", "it's", "'", "''", "TagA", "中", "é", "😀", "5", "6", " 6 ", "5.5", "true", "TRUE", "%_", "--",
    "/* */", "a\nb", '"', "\\", "\ufffd",
]  # fmt: skip
NUMBERS = [
    "0", "-0", "0.0", "-0.0", "1", "5", "+5", "-5", "05", "6", "10", "5.0", "5.5", "-5.5", "5.", ".5", "1e1", "1E-3",
    "6d", "6F", "5l", " 6", "6 ", "\t6\n", "NaN", "-NaN", "Infinity", "-Infinity", "inf", "nan", "0x1p3", "0x10",
    "0X1.8P-1f", "2147483647", "2147483648", "-2147483648", "-2147483649", "3000000000", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "9007199254740993", "9007199254740992", "4.9E-324", "1e400",
    "1e-400", "0.1", "٣", "１２", "-٣", "1_0", "1,5", "+", "-", ".", "e", "1" * 400, "0." + "0" * 200 + "1",
]  # fmt: skip
WORDS = ["true", "TRUE", "tRuE", "false", "yes", "null", "NULL", "ｔrue", *TEXTS]
BLANKS = [
    *[" "] * 4, "  ", "\t", "\n", "\r\n", "\f", "\r", "/* c */", "/**/", "/***/", "/* 'x' \n -- */", "-- c\n", "--\r",
    "-- 'c\r\n",
]  # fmt: skip
TAILS = [
    *[""] * 14, " ", "-- c\n", "-- no end", "/* c */", " like 'x'", " junk", " ) (", " ,", " 5 5", " #", " 'x", " /*",
    " NOT", " IS", ";",
]  # fmt: skip
ALPHABET = "ab$_59.0eElL'()=<>,+-*/ \t\n#;!%:\"\\é中\x00\u00a0\u0661\u017f"
SNIPPETS = [
    "NOT ", " AND ", " or ", " BETWEEN ", " IN ", "('x')", "('x','y')", " IS ", " NULL", " TRUE", "false", "<>", "<=",
    ">=", "--", "/*", "*/", "''", "a", "5", "5.5", "'x'", "(", ")", "=", "==",
]  # fmt: skip
WORD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.'")


class Expressions:
    """One source of expressions; `wildness` is the chance of an operand that may not fit."""

    def __init__(self, chance: random.Random, wildness: float = 0.04) -> None:
        self.chance = chance
        self.wildness = wildness

    def expression(self) -> str:
        words = self.truth(self.chance.choice([0, 1, 1, 2, 2, 3, 4]))
        return self.spelled(words) + self.chance.choice(TAILS)

    def properties(self) -> str:
        """The text of a record's properties; now and then with what upstream takes for no pair."""
        pairs = [self.pair(name) for name in NAMES if self.chance.random() < 0.6]
        self.chance.shuffle(pairs)
        return "".join(pairs)

    def damaged(self) -> str:
        """An expression with a few characters changed, or a text that never was one."""
        if self.chance.random() < 0.25:
            pieces = [self.chance.choice([*ALPHABET, *SNIPPETS]) for _ in range(self.chance.randrange(1, 12))]
            return "".join(pieces)
        text = self.expression()
        for _ in range(self.chance.choice([1, 1, 1, 2, 3])):
            text = self.changed(text)
        return text

    def changed(self, text: str) -> str:
        at = self.chance.randrange(len(text) + 1)
        end = min(len(text), at + self.chance.choice([1, 1, 1, 2, 5]))
        put = self.chance.choice(["", "", self.chance.choice(ALPHABET), self.chance.choice(SNIPPETS), text[at:end] * 2])
        return text[:at] + put + text[self.chance.choice([at, end]) :]

    # --- rules ---

    def truth(self, depth: int) -> list[str]:
        if self.chance.random() < self.wildness:
            return self.number(depth)
        if depth == 0:
            return self.chance.choice([*[self.comparison] * 3, self.short])(0)
        deeper = [*[self.joined] * 2, self.comparison, self.negated, self.parted, self.compared]
        return self.chance.choice(deeper)(depth - 1)

    def short(self, depth: int) -> list[str]:
        return [self.chance.choice([*NAMES[:4], "TRUE", "FALSE", "NULL"])]

    def joined(self, depth: int) -> list[str]:
        words = self.truth(depth)
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            words += [self.chance.choice(["AND", "OR"]), *self.truth(depth)]
        return words

    def negated(self, depth: int) -> list[str]:
        inner = self.truth(depth)
        return ["NOT", *(inner if len(inner) == 1 or self.chance.random() < 0.1 else ["(", *inner, ")"])]

    def parted(self, depth: int) -> list[str]:
        return ["(", *self.truth(depth), ")"]

    def compared(self, depth: int) -> list[str]:
        """A truth value as an operand of = or IS NULL."""
        left = ["(", *self.truth(depth), ")"]
        rights = [["TRUE"], ["FALSE"], [self.name()], [self.text()], ["(", *self.truth(depth), ")"], [self.whole()]]
        sides = [left, self.chance.choice(rights)]
        if self.chance.random() < 0.3:
            sides.reverse()
        return self.chance.choice([[*sides[0], self.chance.choice(["=", "<>"]), *sides[1]], [*left, *self.nullness()]])

    def comparison(self, depth: int) -> list[str]:
        usual = [*[self.equal] * 2, *[self.ordered] * 2, self.between, self.contained]
        return self.chance.choice([*usual, self.is_null, self.negative_is_null])(depth)

    def equal(self, depth: int) -> list[str]:
        left = self.chance.choice([[self.name()], [self.name()], [self.name()], self.number(depth), [self.text()]])
        right = self.chance.choice(
            [[self.text()], [self.text()], self.number(depth), self.number(depth), [self.name()], ["TRUE"], ["FALSE"]]
        )
        return [*left, self.chance.choice(["=", "=", "<>"]), *right]

    def ordered(self, depth: int) -> list[str]:
        return [*self.number(depth), self.chance.choice(["<", "<=", ">", ">="]), *self.number(depth)]

    def between(self, depth: int) -> list[str]:
        bounds = [self.number(depth), self.number(depth)]
        if all(len(bound) == 1 and bound[0] in WHOLE + REAL for bound in bounds) and self.chance.random() < 0.9:
            bounds.sort(key=lambda bound: float(bound[0].rstrip("lL")))
        return [*self.number(depth), *self.maybe_not(), "BETWEEN", *bounds[0], "AND", *bounds[1]]

    def contained(self, depth: int) -> list[str]:
        texts = [self.text() for _ in range(self.chance.choice([1, 1, 2, 3, 5, 8]))]
        listed = [word for text in texts for word in (",", text)][1:]
        plain = [self.name()]
        name = self.chance.choice([plain, plain, plain, ["(", *plain, ")"], ["+", *plain]])
        return [*name, *self.maybe_not(), "IN", "(", *listed, ")"]

    def is_null(self, depth: int) -> list[str]:
        operand = self.chance.choice([*[self.name()] * 3, self.text(), "NULL", "TRUE"])
        return [operand, *self.nullness()]

    def negative_is_null(self, depth: int) -> list[str]:
        return ["-", *self.number(depth), *self.nullness()]

    def nullness(self) -> list[str]:
        return ["IS", *self.maybe_not(), "NULL"]

    def maybe_not(self) -> list[str]:
        return ["NOT"] if self.chance.random() < 0.4 else []

    def number(self, depth: int) -> list[str]:
        """A property or a number, with signs; rarely something else."""
        if self.chance.random() < self.wildness:
            return self.chance.choice([[self.text()], ["TRUE"], ["NULL"], ["(", *self.truth(0), ")"]])
        plain = self.chance.choice([self.name, self.name, self.name, self.whole, self.real])()
        if self.chance.random() < 0.2:
            return [self.chance.choice(["-", "-", "+", "- -"]), *self.number(depth)]
        return ["(", plain, ")"] if self.chance.random() < 0.05 else [plain]

    # --- words ---

    def name(self) -> str:
        return self.chance.choice(NAMES[:4] if self.chance.random() < 0.7 else NAMES)

    def whole(self) -> str:
        return self.chance.choice(WHOLE[:9] if self.chance.random() < 0.8 else WHOLE)

    def real(self) -> str:
        return self.chance.choice(REAL[:10] if self.chance.random() < 0.8 else REAL)

    def text(self) -> str:
        return "'" + self.chance.choice(TEXTS).replace("'", "''") + "'"

    def spelled(self, words: list[str]) -> str:
        """The words with blanks and comments between them; sometimes none where none is needed, or although one is."""
        text = ""
        for word in words:
            if word.isalpha() and word.isupper() and word not in NAMES:
                word = "".join(self.chance.choice([letter, letter, letter.lower()]) for letter in word)
            touching = bool(text) and text[-1] in WORD_CHARACTERS and word[0] in WORD_CHARACTERS
            glued = self.chance.random() < (0.01 if touching else 0.4)
            text += word if glued or not text else self.chance.choice(BLANKS) + word
        return text

    def pair(self, name: str) -> str:
        value = self.chance.choice(NUMBERS if self.chance.random() < 0.6 else WORDS)
        if self.chance.random() < 0.05:
            value = self.changed(value)
        odd = self.chance.random()
        if odd < 0.01:
            forms = ["{0}\x02", "\x01{1}\x02", "{0}\x01{1}\x01z\x02", "\x02", "{0}\x01\x01{1}\x02"]
            return self.chance.choice(forms).format(name, value)
        if odd < 0.03:
            return f"{name}\x01{value}\x01\x02{name}\x01{self.chance.choice(NUMBERS)}\x02"
        return f"{name}\x01{value}\x02"
