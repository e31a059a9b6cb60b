"""Reads JSON as leniently as fastjson does.

Beyond JSON it takes what peers send: integer keys without quotes, objects as keys, names without quotes, single quotes,
comments, commas too many, fastjson's own escapes, number suffixes. Anything else is a ProtocolError, never another
exception, and nesting is bounded, so no input can exhaust the stack.
"""

import json
import re

from rocketpy.errors import ProtocolError

cdef enum:
    MAX_DEPTH = 200

NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
NAME = re.compile(r"[^\W\d][\w$]*|\$[\w$]*")
BLANKS = re.compile(r"(?:\s|/\*.*?\*/|//[^\n]*(?:\n|$))*", re.DOTALL)
PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
WORDS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None}
ESCAPES = {
    "b": "\b", "f": "\f", "F": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    '"': '"', "'": "'", "\\": "\\", "/": "/", **{str(n): chr(n) for n in range(8)},
}
SURROGATE = re.compile("[\ud800-\udfff]+")
LONG_NUMBER = 1000              # digits; a number that long means nothing here and costs quadratic time to read


def read_json(text: str, object_key=None):
    """The value `text` means; an object that is a key becomes what `object_key` makes of it."""
    if nesting(text) <= MAX_DEPTH:
        try:
            return json.loads(text, strict=False, parse_int=read_int, parse_constant=read_constant)
        except ValueError:
            pass
    return Reader(text, object_key).read_all()


cdef int nesting(str text):
    """How deep strict JSON is nested."""
    cdef Py_ssize_t at = 0, size = len(text)
    cdef int depth = 0, deepest = 0
    cdef bint quoted = False
    cdef Py_UCS4 c
    while at < size:
        c = text[at]
        if c == u'"':
            quoted = not quoted
        elif quoted:
            at += c == u"\\"
        elif c == u"{" or c == u"[":
            depth += 1
            deepest = max(deepest, depth)
        elif c == u"}" or c == u"]":
            depth -= 1
        at += 1
    return deepest


def read_constant(name: str) -> None:
    return None


def read_int(digits: str) -> int:
    if len(digits) > LONG_NUMBER:
        raise ValueError("too many digits")
    return int(digits)


def join_surrogates(text: str) -> str:
    """UTF-16 halves made whole; a half alone is '?', which is what Java writes for it."""
    if SURROGATE.search(text) is None:
        return text
    return SURROGATE.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text).replace(
        "\ufffd", "?")


cdef class Reader:
    def __init__(self, str text not None, object_key):
        self.text = text
        self.at = 0
        self.depth = 0
        self.object_key = object_key

    def read_all(self):
        value = self.value()
        self.skip_blanks()
        if self.at != len(self.text):
            raise self.wrong("something behind the end")
        return value

    cdef wrong(self, str what):
        return ProtocolError(f"not JSON: {what} at character {self.at}")

    cdef Py_UCS4 peek(self) except? 0:
        """The next character that is not blank; 0 at the end."""
        self.skip_blanks()
        return self.text[self.at] if self.at < len(self.text) else 0

    cdef int skip_blanks(self) except -1:
        cdef Py_UCS4 c
        while self.at < len(self.text):
            c = self.text[self.at]
            if c > 0x20 and c != 0x2F and c < 0x80:
                return 0
            if c == 0x2F or c >= 0x80:
                end = BLANKS.match(self.text, self.at).end()
                if end == self.at:
                    return 0
                self.at = end
            else:
                self.at += 1
        return 0

    cdef value(self):
        cdef Py_UCS4 c = self.peek()
        if c == u"{":
            return self.nested(True)
        if c == u"[":
            return self.nested(False)
        if c == u'"' or c == u"'":
            return self.string()
        if c == u"-" or c == u"+" or u"0" <= c <= u"9":
            return self.number()
        return self.word()

    cdef nested(self, bint is_object):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.wrong("nested too deep")
        self.at += 1
        value = self.members() if is_object else self.items()
        self.depth -= 1
        return value

    cdef dict members(self):
        cdef dict found = {}
        while True:
            c = self.peek()
            if c == u"}":
                self.at += 1
                return found
            if c == u",":
                self.at += 1
                continue
            key = self.key()
            if self.peek() != u":":
                raise self.wrong("':' missing")
            self.at += 1
            found[key] = self.value()
            self.end_of_item(u"}")

    cdef list items(self):
        cdef list found = []
        while True:
            c = self.peek()
            if c == u"]":
                self.at += 1
                return found
            if c == u",":
                self.at += 1
                continue
            found.append(self.value())
            self.end_of_item(u"]")

    cdef int end_of_item(self, Py_UCS4 close) except -1:
        cdef Py_UCS4 c = self.peek()
        if c != u"," and c != close:
            raise self.wrong("',' missing")
        return 0

    cdef key(self):
        cdef Py_UCS4 c = self.peek()
        if c == u'"' or c == u"'":
            return self.string()
        if c == u"{":
            if self.object_key is None:
                raise self.wrong("an object as a key")
            return self.object_key(self.nested(True))
        if c == u"-" or u"0" <= c <= u"9":
            return self.number()
        return self.matched(NAME)

    cdef str matched(self, pattern):
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self.wrong("not a value")
        self.at = match.end()
        return match[0]

    cdef word(self):
        cdef str word = self.matched(NAME)
        if word in WORDS:
            return WORDS[word]
        if word in ("Set", "TreeSet") and self.peek() == u"[":
            return self.nested(False)
        raise self.wrong(f"unknown word {word!r}")

    cdef number(self):
        cdef str digits = self.matched(NUMBER)
        if len(digits) > LONG_NUMBER:
            raise self.wrong("a number too long")
        cdef Py_UCS4 suffix = self.text[self.at] if self.at < len(self.text) else 0
        if suffix in u"LSBFD" and suffix != 0:
            self.at += 1
        if digits.lstrip("+-").isdigit() and suffix != u"F" and suffix != u"D":
            return int(digits)
        return float(digits)

    cdef str string(self):
        cdef str quote = self.text[self.at]
        cdef list parts = []
        self.at += 1
        while True:
            parts.append(self.matched(PLAIN[quote]))
            if self.at >= len(self.text):
                raise self.wrong("a string without end")
            self.at += 1
            if self.text[self.at - 1] == quote:
                return join_surrogates("".join(parts))
            parts.append(self.escape())

    cdef str escape(self):
        cdef str kind = self.text[self.at:self.at + 1]
        cdef int size = 4 if kind == "u" else 2 if kind == "x" else 0
        self.at += 1
        if size == 0:
            if kind not in ESCAPES:
                raise self.wrong("an unknown escape")
            return ESCAPES[kind]
        digits = self.text[self.at:self.at + size]
        self.at += size
        try:
            if len(digits) < size or not digits.isalnum():
                raise ValueError
            return chr(int(digits, 16))
        except ValueError:
            raise self.wrong("not hex digits") from None
