from libc.stdint cimport int32_t, int64_t

from rocketpy._core.out_buffer cimport OutBuffer

cdef struct PullAnswer:
    const char* remark           # the status's name
    int32_t code
    int64_t next_begin_offset
    int64_t min_offset
    int64_t max_offset
    int64_t suggest_which_broker_id
    Py_ssize_t body_size         # the caller adds the body behind the header

# Where a send's reply differs from broker to broker: TRACE_ON and MSG_REGION, as JSON text between two members.
cdef struct SendWords:
    const char* middle
    int middle_size

cdef int write_send_reply(
    OutBuffer* out, int32_t opaque, const SendWords* words, int32_t queue_id, int64_t queue_offset,
    const char* message_ids, int message_ids_size) noexcept nogil
cdef int write_plain_reply(OutBuffer* out, int32_t opaque, const char* remark) noexcept nogil
                                 # success without ext fields and body; remark NULL: none
cdef int write_pull_reply(OutBuffer* out, int32_t opaque, const PullAnswer* answer) noexcept nogil
cdef char* write_number(char* at, int64_t value) noexcept nogil
                                 # its decimal digits, 20 bytes at most; returns where they end
cdef void write_message_id(char* into, const char* store_host, int64_t physical_offset) noexcept nogil
