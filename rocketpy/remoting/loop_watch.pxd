# How late the loop is: read once a turn by every connection.

from libc.stdint cimport int64_t

cdef class LoopWatch:
    cdef readonly int64_t limit_ms      # what nobody minds: requests that waited no longer are not looked at
    cdef readonly int64_t late_ms       # how late the last tick came
    cdef readonly int64_t off_cpu_ms    # of these, how long the loop's thread waited instead of working
    cdef int64_t due_ms                 # monotonic; when the next tick is due, 0 while none is
    cdef int64_t ticked_cpu_ms
    cdef bint active                    # there were turns since the last tick
    cdef int idle_ticks                 # ticks in a row without one
    cdef object clock
    cdef object cpu_ms
    cdef public object call_later       # of the loop, once there was a turn
    cdef object timer
    cdef public object on_tick
    cdef int64_t overdue(self, int64_t now_ms) except -1
