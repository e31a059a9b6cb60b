from libc.stdint cimport int32_t, int64_t

from rocketpy._core.frame cimport Frame, Slice

cdef struct SendRequest:         # SendMessageRequestHeader and …V2, as slices of the frame
    Slice topic
    Slice properties
    int32_t queue_id
    int32_t sys_flag
    int32_t flag
    int32_t reconsume_times
    int64_t born_timestamp
    bint batch

cdef struct PullRequest:         # PullMessageRequestHeader, as slices of the frame
    Slice group
    Slice topic
    Slice subscription
    Slice expression_type
    int32_t queue_id
    int32_t max_msg_nums
    int32_t sys_flag
    int64_t queue_offset
    int64_t commit_offset
    int64_t suspend_timeout_ms
    int64_t sub_version

cdef bint read_send_request(const Frame* frame, SendRequest* request) noexcept nogil
cdef bint read_pull_request(const Frame* frame, PullRequest* request) noexcept nogil
