# Values of an SQL92 expression while it is evaluated, and what can be done with them.

from libc.stdint cimport int64_t

cdef enum Kind:         # of a value, by the classes of Java between which upstream distinguishes
    NULL_VALUE
    BOOLEAN
    INTEGER
    LONG
    DOUBLE
    TEXT

cdef enum:                      # what a program comes to
    FALSE_RESULT = 0
    TRUE_RESULT = 1
    NULL_RESULT = 2
    NOT_A_NUMBER = -1           # upstream: RuntimeException around a NumberFormatException
    NOT_COMPARABLE = -2         # upstream: ClassCastException

cdef struct Value:
    Kind kind
    int64_t whole               # of BOOLEAN, INTEGER, LONG; bytes of TEXT
    double real                 # of DOUBLE
    const char* text            # UTF-8, not terminated, not owned

cdef struct TextSet:
    Value* texts                # in order of length, then bytes
    int count

cdef enum:                      # of order()
    BELOW
    BELOW_OR_EQUAL
    ABOVE
    ABOVE_OR_EQUAL

cdef Value text_value(const char* text, Py_ssize_t size) noexcept nogil
cdef bint fits_int(int64_t number) noexcept nogil
cdef void set_boolean(Value* value, bint truth) noexcept nogil
cdef void set_answer(Value* value, int answer) noexcept nogil

cdef void negate(Value* value) noexcept nogil
cdef void combine(Value* left, Value* right, bint decisive) noexcept nogil
cdef bint is_in(const TextSet* texts, const Value* value) noexcept nogil

# A result, or an error and the text that caused it in `culprit`. What is text may be replaced by the number it is.
cdef int equal(Value* left, Value* right, Value* culprit) noexcept nogil
cdef int order(int asked, Value* left, Value* right, Value* culprit) noexcept nogil
