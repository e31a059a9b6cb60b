# Reads JSON as leniently as fastjson does; Python's door is read_json.

cdef class Reader:
    cdef str text               # what is read
    cdef Py_ssize_t at          # the next character of it
    cdef int depth              # objects and arrays around `at`
    cdef object object_key      # makes a key of an object, or None: objects are no keys
    cdef wrong(self, str what)
    cdef Py_UCS4 peek(self) except? 0
    cdef int skip_blanks(self) except -1
    cdef value(self)
    cdef nested(self, bint is_object)
    cdef dict members(self)
    cdef list items(self)
    cdef int end_of_item(self, Py_UCS4 close) except -1
    cdef key(self)
    cdef str matched(self, pattern)
    cdef word(self)
    cdef number(self)
    cdef str string(self)
    cdef str escape(self)
