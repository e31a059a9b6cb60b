"""Which parts of the log are in memory, and which parts a consumer that reads on will need.

Only looks: what the kernel keeps of a file (mincore) and where the entries of a queue lead. Bringing the parts in is
store/cold_reads.py's work, in threads; with the GIL held these functions may be called from any thread.
"""

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport BLANK_SIZE, MESSAGE_MAGIC_CODE, get_i32, get_i64
from rocketpy._core.consume_queue cimport ENTRY_SIZE, FILLER_SIZE
from rocketpy._core.mapped_files cimport FileMap, bytes_at, find_file, resident
from rocketpy._core.store_writer cimport StoreWriter

cdef enum:
    GAP_BYTES = 131072            # two messages so near to each other are read with what stands between them


def is_in_memory(StoreWriter writer not None, int64_t physical_offset):
    """Whether the record that begins there can be read without the disk; True also where there is none."""
    cdef FileMap* file = find_file(writer.state.log, physical_offset)
    cdef const char* at = bytes_at(writer.state.log, physical_offset, BLANK_SIZE)
    cdef int64_t start, size
    if at == NULL:
        return True
    start = physical_offset - file.start
    if resident(file, start, BLANK_SIZE) < BLANK_SIZE:
        return False
    if get_i32(at + 4) != MESSAGE_MAGIC_CODE:
        return True                           # any offset a client may ask for: no record begins there
    size = min(<int64_t> max(get_i32(at), BLANK_SIZE), min(file.wrote - start, writer.state.max_message_size))
    return resident(file, start, size) == size


def log_parts(StoreWriter writer not None, const unsigned char[::1] entries not None, int64_t most_bytes):
    """[(physical offset, size), …], at most `most_bytes` in all, that the messages of these queue entries stand in.

    Messages that stand near to each other are one part; no part crosses a file's end. What is no entry ends the list.
    """
    cdef int64_t file_size = writer.state.log.file_size
    cdef int64_t start = -1, end = -1, offset, total = 0
    cdef int64_t i, count = entries.shape[0] // ENTRY_SIZE
    cdef int32_t size
    cdef const char* at
    parts = []
    for i in range(count):
        at = <const char*> &entries[i * ENTRY_SIZE]
        offset, size = get_i64(at), get_i32(at + 8)
        if size <= 0 or offset < 0:
            break
        if size == FILLER_SIZE or find_file(writer.state.log, offset) == NULL:
            continue
        if start >= 0 and end <= offset <= end + GAP_BYTES and offset // file_size == start // file_size:
            total += offset + size - end
            end = offset + size
        else:
            if start >= 0:
                parts.append((start, end - start))
            start, end = offset, offset + size
            total += size
        if total >= most_bytes:
            break
    if start >= 0:
        parts.append((start, end - start))
    return parts
