# Numbers out of UTF-8 text by the rules of Java's Long.valueOf(String) and Double.valueOf(String); bounds are never passed.

from libc.stdint cimport int64_t

# 1 and `number`, or 0 for what Java answers with NumberFormatException: no blanks, digits of any script, low..high.
cdef bint parse_whole(
    const char* text, Py_ssize_t size, int64_t low, int64_t high, int64_t* number
) noexcept nogil

# 1 and `number`, or 0: blanks around it, a suffix d or f, NaN, Infinity and hexadecimal floats are Java's, no locale.
cdef bint parse_double(const char* text, Py_ssize_t size, double* number) noexcept nogil
