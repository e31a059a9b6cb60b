from libc.stdint cimport uint32_t

cdef struct Row:
    char* key                # owned copy; NULL when the place is free
    int key_size
    uint32_t hash
    void* value              # the caller's, released by the caller

cdef struct RowTable:
    Row* rows
    int capacity             # a power of two, or 0 before the first row
    int count

cdef void* find_row(RowTable* table, const char* key, int key_size) noexcept nogil
cdef int add_row(RowTable* table, const char* key, int key_size, void* value) noexcept nogil
cdef void clear_rows(RowTable* table) noexcept nogil
