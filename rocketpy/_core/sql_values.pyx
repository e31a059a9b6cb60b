"""Values of an SQL92 expression, and their comparison with Java's classes in mind; no allocation, no GIL.

Invariant: what a value is compared with decides how its text is read, as upstream's ComparisonExpression has it.
"""

from libc.stdint cimport INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, int64_t
from libc.string cimport memcmp

from rocketpy._core.java_numbers cimport parse_double, parse_whole

cdef Value text_value(const char* text, Py_ssize_t size) noexcept nogil:
    cdef Value value
    value.kind = TEXT
    value.whole = size
    value.real = 0
    value.text = text
    return value


cdef bint fits_int(int64_t number) noexcept nogil:
    return INT32_MIN <= number <= INT32_MAX


cdef void set_boolean(Value* value, bint truth) noexcept nogil:
    value.kind = BOOLEAN
    value.whole = truth


cdef void set_answer(Value* value, int answer) noexcept nogil:
    value.kind = NULL_VALUE if answer == NULL_RESULT else BOOLEAN
    value.whole = answer


cdef void negate(Value* value) noexcept nogil:
    if value.kind == INTEGER or value.kind == LONG:
        value.whole = -value.whole
    elif value.kind == DOUBLE:
        value.real = -value.real
    else:
        value.kind = NULL_VALUE


cdef void combine(Value* left, Value* right, bint decisive) noexcept nogil:
    """AND and OR of three values: FALSE decides the one, TRUE the other, else NULL wins."""
    if (left.kind == BOOLEAN and left.whole == decisive) or (right.kind == BOOLEAN and right.whole == decisive):
        set_boolean(left, decisive)
    elif right.kind == NULL_VALUE:
        left.kind = NULL_VALUE


cdef bint is_in(const TextSet* texts, const Value* value) noexcept nogil:
    cdef int low = 0
    cdef int high = texts.count
    cdef int middle
    cdef int64_t order
    while low < high:
        middle = (low + high) >> 1
        order = value.whole - texts.texts[middle].whole
        if order == 0:
            order = memcmp(value.text, texts.texts[middle].text, value.whole)
        if order == 0:
            return True
        if order < 0:
            high = middle
        else:
            low = middle + 1
    return False


# --- comparisons ---

cdef int equal(Value* left, Value* right, Value* culprit) noexcept nogil:
    """A value that is missing on the right only makes it FALSE, one on the left only NULL, both TRUE: IS NULL is this."""
    cdef int answer
    if left.kind == NULL_VALUE:
        return TRUE_RESULT if right.kind == NULL_VALUE else NULL_RESULT
    if right.kind == NULL_VALUE:
        return FALSE_RESULT
    if left.kind == TEXT and right.kind == TEXT:
        return left.whole == right.whole and memcmp(left.text, right.text, left.whole) == 0
    cdef int error = compare(left, right, &answer, culprit)
    return error if error < 0 else answer == 0


cdef int order(int asked, Value* left, Value* right, Value* culprit) noexcept nogil:
    cdef int answer
    cdef int error = 0
    if left.kind == NULL_VALUE or right.kind == NULL_VALUE:
        return NULL_RESULT
    if left.kind == TEXT and right.kind == TEXT:
        error = to_double(left, culprit)
        if error == 0:
            error = to_double(right, culprit)
    if error == 0:
        error = compare(left, right, &answer, culprit)
    if error < 0:
        return error
    if asked == BELOW:
        return answer < 0
    if asked == BELOW_OR_EQUAL:
        return answer <= 0
    return answer > 0 if asked == ABOVE else answer >= 0


cdef int compare(Value* left, Value* right, int* answer, Value* culprit) noexcept nogil:
    """Two values that are there, and not both text; what is text is read as the other's class. Below 0: an error."""
    cdef int error = 0
    if left.kind == BOOLEAN and right.kind == TEXT:
        culprit[0] = right[0]
        return NOT_COMPARABLE           # upstream casts the Boolean to a String, and fails
    if left.kind == TEXT:
        error = read_as(left, right.kind, culprit)
    elif right.kind == TEXT:
        error = read_as(right, left.kind, culprit)
    if error < 0:
        return error
    if (left.kind == BOOLEAN) != (right.kind == BOOLEAN):
        answer[0] = -1                  # so upstream: the left one is always less
    elif left.kind == DOUBLE or right.kind == DOUBLE:
        answer[0] = compare_doubles(as_double(left), as_double(right))
    else:
        answer[0] = (left.whole > right.whole) - (left.whole < right.whole)
    return 0


cdef int read_as(Value* value, Kind kind, Value* culprit) noexcept nogil:
    if kind == BOOLEAN:
        set_boolean(value, is_true(value))
        return 0
    if kind == DOUBLE:
        return to_double(value, culprit)
    if not parse_whole(
        value.text, value.whole, INT32_MIN if kind == INTEGER else INT64_MIN,
        INT32_MAX if kind == INTEGER else INT64_MAX, &value.whole,
    ):
        culprit[0] = value[0]
        return NOT_A_NUMBER
    value.kind = kind
    return 0


cdef int to_double(Value* value, Value* culprit) noexcept nogil:
    if not parse_double(value.text, value.whole, &value.real):
        culprit[0] = value[0]
        return NOT_A_NUMBER
    value.kind = DOUBLE
    return 0


cdef bint is_true(const Value* value) noexcept nogil:
    """Boolean.valueOf: `true` in any case."""
    cdef const char* text = value.text
    return (
        value.whole == 4 and text[0] | 0x20 == c"t" and text[1] | 0x20 == c"r"
        and text[2] | 0x20 == c"u" and text[3] | 0x20 == c"e"
    )


cdef double as_double(const Value* value) noexcept nogil:
    return value.real if value.kind == DOUBLE else <double> value.whole


cdef int compare_doubles(double left, double right) noexcept nogil:
    """Double.compareTo: NaN equals itself and is above all, -0.0 is below 0.0."""
    cdef bint left_nan = left != left
    cdef bint right_nan = right != right
    if left_nan or right_nan:
        return left_nan - right_nan
    if left == right == 0:
        return (1 / left > 0) - (1 / right > 0)
    return (left > right) - (left < right)
