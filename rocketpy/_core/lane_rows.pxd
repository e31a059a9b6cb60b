# What the fast lane may do without asking: one row a topic for sends, one a (group, topic) for pulls.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.row_table cimport RowTable
from rocketpy._core.store_reader cimport TagFilter
from rocketpy._core.traffic cimport Count, Counts, Item, Items

cdef struct SendRow:
    int32_t queue_nums           # queue ids below it may be sent to
    int32_t sys_flag             # bits that the topic adds to a message's sysFlag
    bint takes_halves            # half messages, too
    QueueState** queues          # NULL where the queue was not looked up yet
    Count* count

cdef struct PullRow:
    int32_t read_queue_nums
    int64_t sub_version          # of the group's subscription; -1: none known, only pulls that bring their own are served
    int64_t suggest_which_broker_id
    int64_t suggest_when_slow
    TagFilter tags               # of the group's subscription; codes are owned by the row
    QueueState** queues
    int64_t* commits             # offsets to commit at the end of the turn; -1: none
    bint pending                 # on LaneRows.pending
    PullRow* next_pending
    void* names                  # (group, topic), borrowed from LaneRows.kept
    void* item                   # its Item, likewise
    Counts* counts               # of that item; it has queues up to read_queue_nums

cdef class LaneRows:
    cdef RowTable sends
    cdef RowTable pulls
    cdef PullRow* pending        # rows with offsets to commit
    cdef list kept               # queues, filters and items that rows point to
    cdef Items puts              # by topic
    cdef Items gets              # by topic and group
    cdef SendRow* add_send(self, bytes topic, int queue_nums, int sys_flag, bint takes_halves) except NULL
    cdef PullRow* add_pull(self, bytes key, object rule) except NULL
    cdef void forget(self)

cdef int pull_key(const char* group, int group_size, const char* topic, int topic_size, char* into, int capacity) noexcept nogil
cdef void note_commit(PullRow** pending, PullRow* row, int32_t queue_id, int64_t offset) noexcept nogil
