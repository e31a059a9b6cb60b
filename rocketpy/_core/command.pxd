# A Command is one request or response as the full lane sees it; docs of its fields in command.pyi.

from libc.stdint cimport int32_t

from rocketpy._core.frame cimport Frame
from rocketpy._core.out_buffer cimport OutBuffer

cdef enum:
    VERSION = 317               # V4_5_2: what every command of ours says

cdef class Command:
    cdef public int32_t code
    cdef public int32_t version
    cdef public int32_t opaque  # of a request: chosen by its sender; a response repeats it
    cdef public int32_t flag    # FLAG_RESPONSE, FLAG_ONEWAY
    cdef public str language    # name of a LanguageCode
    cdef public str remark      # or None
    cdef public dict ext        # str -> str, or None
    cdef public bytes body      # or None

# The command a scanned frame means, odd or not; ProtocolError when no decoder can read its header.
cdef Command frame_command(const Frame* frame)

# The frame of a command, appended to `out`. 0, or MemoryError.
cdef int put_command(OutBuffer* out, Command command, int serialize_type) except -1
