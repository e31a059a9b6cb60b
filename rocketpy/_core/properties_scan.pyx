"""Picks out of a message's properties what the broker acts on, without making an object of any.

Invariant: whatever is not plainly `key 0x01 value 0x02 …` is marked unusual, so that only one place, the full lane,
interprets it (MessageDecoder.string2messageProperties).
"""

from libc.string cimport memchr, memcmp

from rocketpy._core.hashing cimport java_hash


cdef void _note(const char* key, int key_size, const char* value, int value_size, Properties* found) noexcept nogil:
    if key_size == 4:
        if memcmp(key, b"TAGS", 4) == 0:
            found.tags_code = java_hash(0, value, value_size)
        elif memcmp(key, b"KEYS", 4) == 0:
            found.keys = value
            found.keys_size = value_size
        elif memcmp(key, b"WAIT", 4) == 0:
            found.wait = not (value_size == 5 and memcmp(value, b"false", 5) == 0)
            # Java compares with equalsIgnoreCase; other spellings than the clients' are the full lane's.
            if found.wait and not (value_size == 4 and memcmp(value, b"true", 4) == 0):
                found.unusual = True
    elif key_size == 8:
        if memcmp(key, b"UNIQ_KEY", 8) == 0:
            found.uniq_key = value
            found.uniq_key_size = value_size
        elif memcmp(key, b"TRAN_MSG", 8) == 0:
            found.unusual = True
    elif key_size == 5 and memcmp(key, b"DELAY", 5) == 0:
        found.unusual = True


cdef void scan_properties(const char* text, int size, Properties* found) noexcept nogil:
    """Fill `found` from `text`, the properties as they are stored."""
    cdef const char* at = text
    cdef const char* end = text + size
    cdef const char* item_end
    cdef const char* value
    found.keys = NULL
    found.keys_size = 0
    found.uniq_key = NULL
    found.uniq_key_size = 0
    found.tags_code = 0
    found.wait = True
    found.unusual = False
    while at < end:
        item_end = <const char*>memchr(at, 2, end - at)
        if item_end == NULL:
            item_end = end
        value = <const char*>memchr(at, 1, item_end - at)
        if value == NULL or value == at or value + 1 == item_end or memchr(value + 1, 1, item_end - value - 1) != NULL:
            found.unusual = True
            return
        _note(at, <int>(value - at), value + 1, <int>(item_end - value - 1), found)
        at = item_end + 1
