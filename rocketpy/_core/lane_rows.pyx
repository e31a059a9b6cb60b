"""Rows that say which sends and pulls are plain; invariant: a row is only as old as the last `forget`.

The broker makes a row when the fast lane first asks and forgets all of them at every change of a topic, a group or a
permission: there is one place that decides, and no row to keep in step with it.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.message_filter cimport MessageFilter
from rocketpy._core.row_table cimport add_row, clear_rows
from rocketpy._core.traffic cimport Item


cdef int pull_key(const char* group, int group_size, const char* topic, int topic_size, char* into, int capacity) noexcept nogil:
    """`group NUL topic`, the key of a PullRow; -1 when it does not fit."""
    if group_size + 1 + topic_size > capacity:
        return -1
    memcpy(into, group, group_size)
    into[group_size] = 0
    memcpy(into + group_size + 1, topic, topic_size)
    return group_size + 1 + topic_size


cdef void note_commit(PullRow** pending, PullRow* row, int32_t queue_id, int64_t offset) noexcept nogil:
    """Remember an offset that a pull commits; the end of the turn hands it to the broker's consumer offsets."""
    row.commits[queue_id] = offset
    if not row.pending:
        row.pending = True
        row.next_pending = pending[0]
        pending[0] = row


cdef void _free_pull(PullRow* row) noexcept:
    free(row.queues)
    free(row.commits)
    free(<void*>row.tags.codes)
    free(row)


cdef class LaneRows:
    def __cinit__(self):
        self.kept = []

    def __dealloc__(self):
        self.forget()

    cdef SendRow* add_send(self, bytes topic, int queue_nums, int sys_flag, bint takes_halves) except NULL:
        cdef SendRow* row = <SendRow*>calloc(1, sizeof(SendRow))
        cdef Item item = self.puts.item(topic.decode())
        if row != NULL:
            row.queues = <QueueState**>calloc(queue_nums, sizeof(QueueState*))
        if row == NULL or row.queues == NULL:
            free(row)
            raise MemoryError
        row.queue_nums = queue_nums
        row.sys_flag = sys_flag
        row.takes_halves = takes_halves
        self.kept.append(item)
        row.count = &item.counts.count
        if add_row(&self.sends, topic, <int>len(topic), row) < 0:
            free(row.queues)
            free(row)
            raise MemoryError
        return row

    cdef PullRow* add_pull(self, bytes key, object rule) except NULL:
        """`rule` is a broker.lane_rules.PullRule."""
        cdef PullRow* row = <PullRow*>calloc(1, sizeof(PullRow))
        cdef int32_t nums = rule.read_queue_nums
        cdef object tags = rule.tags
        cdef tuple names = (rule.group, rule.topic)
        cdef Item item = self.gets.item(f"{rule.topic}@{rule.group}")
        cdef int i
        if row == NULL:
            raise MemoryError
        row.queues = <QueueState**>calloc(nums, sizeof(QueueState*))
        row.commits = <int64_t*>malloc(nums * sizeof(int64_t))
        row.tags.codes = <const int32_t*>malloc(max(1, len(tags or ())) * sizeof(int32_t))
        if row.queues == NULL or row.commits == NULL or row.tags.codes == NULL:
            _free_pull(row)
            raise MemoryError
        for i in range(nums):
            row.commits[i] = -1
        for code in tags or ():
            (<int32_t*>row.tags.codes)[row.tags.count] = code
            row.tags.count += 1
        row.tags.all = tags is None
        if rule.wanted is not None:
            row.tags.test = &(<MessageFilter?>rule.wanted).test
            self.kept.append(rule.wanted)
        row.read_queue_nums = nums
        row.sub_version = rule.sub_version
        row.suggest_which_broker_id = rule.suggest_which_broker_id
        row.suggest_when_slow = rule.suggest_when_slow
        item.queue(nums - 1)
        self.kept += [names, item]
        row.names, row.item, row.counts = <void*>names, <void*>item, &item.counts
        if add_row(&self.pulls, key, <int>len(key), row) < 0:
            _free_pull(row)
            raise MemoryError
        return row

    cdef void forget(self):
        """Free every row; offsets that were noted must have been committed before."""
        cdef int i
        cdef SendRow* row
        for i in range(self.sends.capacity):
            if self.sends.rows[i].key != NULL:
                row = <SendRow*>self.sends.rows[i].value
                free(row.queues)
                free(row)
        for i in range(self.pulls.capacity):
            if self.pulls.rows[i].key != NULL:
                _free_pull(<PullRow*>self.pulls.rows[i].value)
        clear_rows(&self.sends)
        clear_rows(&self.pulls)
        self.pending = NULL
        self.kept = []
