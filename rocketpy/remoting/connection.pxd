# One connection, and what all connections of one server or client share.

from libc.stdint cimport int64_t

from rocketpy._core.command cimport Command
from rocketpy._core.frame cimport Frame
from rocketpy._core.lane cimport Lane, LanePeer
from rocketpy._core.out_buffer cimport OutBuffer
from rocketpy.remoting.loop_watch cimport LoopWatch

cdef class ReadBuffer:
    cdef char* shared           # where reads of all connections land
    cdef char* window           # where the read at hand lands: in `shared`, or in a connection's own memory
    cdef Py_ssize_t window_size

cdef class Endpoint:
    cdef readonly object request_table
    cdef readonly object clock
    cdef readonly object loop
    cdef readonly set connections
    cdef readonly str name              # for log lines: whose connections these are
    cdef readonly int serialize_type    # how our headers are written
    cdef readonly Py_ssize_t frame_limit
    cdef readonly Py_ssize_t queue_limit
    cdef readonly int running_limit
    cdef object gate                    # who decides on TLS (remoting/tls.py), or None: every peer speaks plain
    cdef object on_connect              # called with the connection, or None
    cdef object on_close
    cdef Lane lane
    cdef Lane no_lane                   # what waited too long takes the full lane, whose processors know what to say
    cdef LoopWatch watch                # None: nobody asks how long requests wait
    cdef ReadBuffer reader
    cdef OutBuffer spare                # the memory every turn writes its replies into
    cdef bint draining                  # the server stops: requests under way are answered, no more are read
    cdef bint machine_clock             # `clock` is the machine's: read without Python
    cdef int64_t now_ms(self) except -1
    cdef int64_t monotonic_ms(self) except -1
    cdef int64_t monotonic_ns(self) except -1

cdef class Connection(LanePeer):
    cdef readonly Endpoint endpoint
    cdef readonly object transport
    cdef readonly str ip
    cdef readonly int port
    cdef readonly int64_t last_active_ms    # monotonic; when bytes last came or went
    cdef readonly int64_t waited_ms         # how long the requests of this turn have waited, at least
    cdef readonly int64_t reads             # turns: reads that brought bytes
    cdef readonly int64_t writes            # writes to the socket or the transport
    cdef readonly dict attributes           # free for the rooms above
    cdef dict pending                       # opaque -> future of our requests
    cdef set running                        # futures of answers to the peer's requests
    cdef int next_opaque
    cdef int fd                             # -1: write through the transport only
    cdef bint undecided                     # the gate has not seen the first byte yet
    cdef bint lost                          # connection_lost was called
    cdef bint in_turn
    cdef bint closing                       # close at the end of the turn
    cdef bint queued                        # the transport may hold bytes: everything goes behind them
    cdef bint reading
    cdef bint write_paused                  # the transport asked for a pause
    cdef bint out_of_time                   # frames are left of a turn that took too long
    # While a peer sends more than its turns can take: when it began to wait, and how many of the bytes that were there
    # then, here and in the socket, are still to serve. What is served before they are has waited since.
    cdef int64_t behind_ms
    cdef int64_t behind_bytes
    cdef const char* turn_data              # of the turn at hand, for waiting_count
    cdef Py_ssize_t turn_size
    cdef Py_ssize_t turn_at
    cdef int waiting                        # frames behind the one at hand; -1: not counted yet
    # Bytes that came and are not used yet: a partial frame, or whole ones that wait while we do not read.
    cdef char* held
    cdef Py_ssize_t held_size
    cdef Py_ssize_t held_capacity

    cdef int admitted(self, Py_ssize_t size) except -1
    cdef int keep(self, const char* data, Py_ssize_t size) except -1
    cdef int drop(self) except -1
    cdef int run_turn(self, const char* data, Py_ssize_t size) except -1
    cdef int serve_turn(self, const char* data, Py_ssize_t size) except -1
    cdef Py_ssize_t run_frames(self, const char* data, Py_ssize_t size) except -1
    cdef int run_one(self, Frame* frame, bint slow) except -1
    cdef int answer(self, Command request) except -1
    cdef int answer_with(self, Command request, object answer) except -1
    cdef int refuse(self, Command request, object error) except -1
    cdef int put(self, Command command) except -1
    cdef int write_out(self, int64_t now_ms) except -1
    cdef Py_ssize_t write_socket(self, OutBuffer* out) except -1
    cdef int check_reading(self) except -1
    cdef int must_wait(self) except -1
    cdef int note_wait(self) except -1
    cdef int note_backlog(self, Py_ssize_t used, Py_ssize_t left) except -1
