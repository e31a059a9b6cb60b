"""Serves plain pulls with slices of the mapped log; invariant: unless SERVED, nothing was changed."""

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.desk cimport NEEDS_HOLD, NEEDS_QUEUE, NEEDS_ROW, NOT_MINE, SERVED, TAGS_ROOM, Desk, Pull
from rocketpy._core.frame cimport FLAG_ONEWAY, Frame, Slice, slice_is
from rocketpy._core.hashing cimport java_hash
from rocketpy._core.lane cimport Peer
from rocketpy._core.lane_rows cimport PullRow, note_commit, pull_key
from rocketpy._core.out_buffer cimport out_slice
from rocketpy._core.replies cimport PullAnswer, write_pull_reply
from rocketpy._core.requests cimport read_pull_request
from rocketpy._core.row_table cimport find_row
from rocketpy._core.store_reader cimport (
    GET_FOUND,
    GET_NO_MATCHED_MESSAGE,
    GET_NO_MESSAGE_IN_QUEUE,
    GET_OFFSET_OVERFLOW_ONE,
    TagFilter,
    get_messages,
)
from rocketpy._core.store_writer cimport count_get
from rocketpy._core.traffic cimport note_gets

cdef enum:
    SUCCESS = 0                  # ResponseCode
    PULL_RETRY_IMMEDIATELY = 20

cdef enum:
    COMMIT_OFFSET = 1            # PullSysFlag
    SUSPEND = 2
    SUBSCRIPTION = 4
    CLASS_FILTER = 8

cdef enum:
    KEY_ROOM = 512


cdef int _add_tag(const char* at, const char* end, TagFilter* tags, int32_t* codes) noexcept nogil:
    """Hash one tag of an expression, without the blanks around it; 0 when there is no room for more."""
    while at < end and <unsigned char>at[0] <= 32:
        at += 1
    while end > at and <unsigned char>(end - 1)[0] <= 32:
        end -= 1
    if at == end:
        return 1
    if tags.count == TAGS_ROOM:
        return 0
    codes[tags.count] = java_hash(0, at, end - at)
    tags.count += 1
    return 1


cdef int _parse_tags(const Slice* expression, TagFilter* tags, int32_t* codes) noexcept nogil:
    """`a || b`, `*` or nothing (FilterAPI.buildSubscriptionData); 0 when the full lane must look at it."""
    cdef const char* at = expression.at
    cdef const char* end = expression.at + expression.size
    cdef const char* start = at
    tags.codes = codes
    tags.count = 0
    tags.test = NULL
    tags.all = expression.size == 0 or (expression.size == 1 and at[0] == c"*")
    if tags.all:
        return 1
    while at < end:
        if at[0] == c"|" and at + 1 < end and at[1] == c"|":
            if not _add_tag(start, at, tags, codes):
                return 0
            at += 2
            start = at
        else:
            at += 1
    return _add_tag(start, end, tags, codes) and tags.count > 0


cdef int _choose_tags(Desk* desk, Pull* pull) noexcept nogil:
    if pull.request.sys_flag & SUBSCRIPTION:
        if pull.request.expression_type.size > 0 and not slice_is(&pull.request.expression_type, b"TAG", 3):
            return 0
        return _parse_tags(&pull.request.subscription, &pull.tags, desk.codes)
    if pull.row.sub_version < 0 or pull.row.sub_version < pull.request.sub_version:
        return 0
    pull.tags = pull.row.tags
    return 1


cdef int _reply_to_pull(
    Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Pull* pull, bint found,
) noexcept nogil:
    cdef PullAnswer answer
    cdef int i
    answer.code = SUCCESS if found else PULL_RETRY_IMMEDIATELY
    answer.remark = b"FOUND" if found else b"NO_MATCHED_MESSAGE"
    answer.next_begin_offset = pull.found.next_begin_offset
    answer.min_offset = pull.found.min_offset
    answer.max_offset = pull.found.max_offset
    answer.suggest_which_broker_id = pull.row.suggest_which_broker_id
    if pull.found.suggest_slave:
        answer.suggest_which_broker_id = pull.row.suggest_when_slow
    answer.body_size = pull.found.size if found else 0
    write_pull_reply(&peer.out, frame.opaque, &answer)
    desk.turn_pulls += 1
    count_get(desk.store, pull.found.count if found else 0)
    note_gets(pull.row.counts, pull.request.queue_id, &pull.found, now_ms)
    if found:
        for i in range(pull.found.slice_count):
            out_slice(&peer.out, pull.found.slices[i].at, pull.found.slices[i].size)
    return SERVED


cdef void note_pull_commit(Desk* desk, Pull* pull) noexcept nogil:
    if pull.request.sys_flag & COMMIT_OFFSET:
        note_commit(desk.pending, pull.row, pull.request.queue_id, pull.request.commit_offset)


cdef int _find_pull_row(Desk* desk, Pull* pull) noexcept nogil:
    cdef char[KEY_ROOM] key
    cdef int size = pull_key(pull.request.group.at, pull.request.group.size, pull.request.topic.at,
                             pull.request.topic.size, key, KEY_ROOM)
    if size < 0:
        return NOT_MINE
    pull.row = <PullRow*>find_row(desk.pulls, key, size)
    return SERVED if pull.row != NULL else NEEDS_ROW


cdef int serve_pull(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Pull* pull) noexcept nogil:
    cdef int status
    if not read_pull_request(frame, &pull.request):
        return NOT_MINE
    if frame.flag & FLAG_ONEWAY or pull.request.sys_flag & CLASS_FILTER:
        return NOT_MINE
    if pull.request.sys_flag & COMMIT_OFFSET and pull.request.commit_offset < 0:
        return NOT_MINE
    status = _find_pull_row(desk, pull)
    if status != SERVED:
        return status
    if pull.request.queue_id < 0 or pull.request.queue_id >= pull.row.read_queue_nums or not _choose_tags(desk, pull):
        return NOT_MINE
    if pull.row.queues[pull.request.queue_id] == NULL:
        return NEEDS_QUEUE
    status = get_messages(desk.store, pull.row.queues[pull.request.queue_id], pull.request.queue_offset,
                          pull.request.max_msg_nums, &pull.tags, False, &pull.found)
    if status == GET_FOUND or status == GET_NO_MATCHED_MESSAGE:
        note_pull_commit(desk, pull)
        return _reply_to_pull(desk, frame, peer, now_ms, pull, status == GET_FOUND)
    if not pull.request.sys_flag & SUSPEND:
        return NOT_MINE
    if status == GET_OFFSET_OVERFLOW_ONE or (status == GET_NO_MESSAGE_IN_QUEUE and pull.request.queue_offset == 0):
        return NEEDS_HOLD
    return NOT_MINE
