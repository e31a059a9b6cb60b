"""A small hash table from bytes to a C pointer, read without the GIL; invariant: at most half of its places are taken."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy


cdef uint32_t fnv1a(const char* key, int size) noexcept nogil:
    cdef uint32_t value = 2166136261u
    cdef int i
    for i in range(size):
        value = (value ^ <unsigned char>key[i]) * 16777619u
    return value


cdef Row* _place(Row* rows, int capacity, uint32_t hashed, const char* key, int size) noexcept nogil:
    """The row of `key`, or the free place where it would stand."""
    cdef uint32_t at = hashed & <uint32_t>(capacity - 1)
    cdef Row* row
    while True:
        row = &rows[at]
        if row.key == NULL:
            return row
        if row.hash == hashed and row.key_size == size and memcmp(row.key, key, size) == 0:
            return row
        at = (at + 1) & <uint32_t>(capacity - 1)


cdef void* find_row(RowTable* table, const char* key, int key_size) noexcept nogil:
    """The value stored under `key`, or NULL."""
    if table.capacity == 0:
        return NULL
    return _place(table.rows, table.capacity, fnv1a(key, key_size), key, key_size).value


cdef int _grow(RowTable* table) noexcept nogil:
    cdef int capacity = table.capacity * 2 if table.capacity else 64
    cdef Row* rows = <Row*>calloc(capacity, sizeof(Row))
    cdef int i
    if rows == NULL:
        return -1
    for i in range(table.capacity):
        if table.rows[i].key != NULL:
            _place(rows, capacity, table.rows[i].hash, table.rows[i].key, table.rows[i].key_size)[0] = table.rows[i]
    free(table.rows)
    table.rows = rows
    table.capacity = capacity
    return 0


cdef int add_row(RowTable* table, const char* key, int key_size, void* value) noexcept nogil:
    """Store `value` under `key`, which must not be there yet; -1 when there is no memory."""
    cdef Row* row
    cdef char* owned
    if table.count * 2 >= table.capacity and _grow(table) < 0:
        return -1
    owned = <char*>malloc(key_size + 1)
    if owned == NULL:
        return -1
    memcpy(owned, key, key_size)
    row = _place(table.rows, table.capacity, fnv1a(key, key_size), key, key_size)
    row.key = owned
    row.key_size = key_size
    row.hash = fnv1a(key, key_size)
    row.value = value
    table.count += 1
    return 0


cdef void clear_rows(RowTable* table) noexcept nogil:
    """Forget every row; the values themselves are the caller's to release before."""
    cdef int i
    for i in range(table.capacity):
        free(table.rows[i].key)
    free(table.rows)
    table.rows = NULL
    table.capacity = 0
    table.count = 0
