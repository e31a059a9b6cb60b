from libc.stdint cimport int64_t

cdef struct Properties:          # what the broker must know of a message's properties; pointers into the text
    const char* keys             # KEYS, or NULL
    int keys_size
    const char* uniq_key         # UNIQ_KEY, or NULL
    int uniq_key_size
    int64_t tags_code            # String.hashCode of TAGS, sign-extended; 0 without tags
    bint wait                    # answer only when the flush or slave that the settings ask for is done
    bint unusual                 # delayed, transactional, or not of the plain `key 1 value 2` form: the full lane's

cdef void scan_properties(const char* text, int size, Properties* found) noexcept nogil
