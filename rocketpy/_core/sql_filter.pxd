# A compiled SQL92 filter: a flat program over the properties of one record. The compiler is rocketpy/filter.

from rocketpy._core.sql_values cimport TextSet, Value

cpdef enum Op:
    PROPERTY            # push the value of a property, NULL when the message has none
    CONSTANT            # push a constant
    NEGATE              # a number's negative; NULL for anything else
    CAST                # a property as an operand of AND, OR, NOT: it holds no Boolean, so FALSE, or NULL
    NOT
    AND                 # these take two values, and leave one
    OR
    EQUAL
    LESS                # these four in the order of sql_values.pxd: BELOW …
    LESS_EQUAL
    GREATER
    GREATER_EQUAL
    IN                  # is the text one of a set?
    SKIP_IF_FALSE       # go so many instructions further when the topmost value is FALSE, TRUE, NULL; it stays
    SKIP_IF_TRUE
    SKIP_IF_NULL

cdef enum:
    MAX_PROPERTIES = 64         # different names in one expression
    MAX_STACK = 256             # values that wait for others

cdef struct Instruction:
    int op
    int operand                 # index of the name, constant or set; instructions to skip

cdef struct Found:              # the properties of one message, as far as they have been looked up
    const char* properties
    Py_ssize_t size
    Value values[MAX_PROPERTIES]
    bint known[MAX_PROPERTIES]


cdef class Filter:
    cdef:
        readonly str text               # the expression
        Instruction* _program
        int _size
        Value* _names
        int _name_count
        Value* _constants
        TextSet* _sets
        int _set_count
        list _kept                      # owners of all bytes that names, constants and sets point to
    # TRUE for the record whose properties these are; NULL, FALSE and an error of evaluation are not.
    cdef bint matches_record(self, const char* properties, Py_ssize_t size) noexcept nogil
    cdef int _run(self, Found* found, Value* culprit) noexcept nogil
    cdef Value* _property(self, Found* found, int index) noexcept nogil
    cdef Value _value(self, object constant)
    cdef Value _text(self, bytes text)
