"""One peer: its bytes in, its replies out, at most one write for one read.

A turn is what one read brought: frames are found and handed to the lane with the GIL released; the others become
Commands and go through the request table; at the end everything they answered leaves in one write on the socket. What
the socket does not take is queued in the transport, and while anything is queued there nothing overtakes it. A peer whose
first byte begins a TLS handshake goes over to a transport that encrypts; nothing of it is written past that one.

Invariants: output is in order. Memory for one peer is bounded: a partial frame grows with the bytes that came, not with
the length it announces; no more is read while its replies are not taken; beyond `queue_limit` the connection is closed.
"""

import asyncio
import logging
import socket

from cpython.buffer cimport PyBuffer_FillInfo
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove, memset
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
from posix.uio cimport iovec

from rocketpy._core.command cimport Command, frame_command, put_command
from rocketpy._core.frame cimport FLAG_ONEWAY, FLAG_RESPONSE, FRAME_LIMIT, Frame, frame_length, scan_frame
from rocketpy._core.lane cimport Lane, LanePeer, Peer
from rocketpy._core.out_buffer cimport OutBuffer, out_bytes, out_clear, out_free, out_iovecs
from rocketpy.remoting.loop_watch cimport LoopWatch

from rocketpy._core.command import response
from rocketpy._core.frame import reason_text
from rocketpy.clock import Clock
from rocketpy.errors import ProtocolError, RemotingSendError, RemotingTimeout, RequestRefused
from rocketpy.protocol.codes import ResponseCode

cdef extern from "<sys/socket.h>" nogil:
    cdef struct msghdr:
        iovec* msg_iov
        size_t msg_iovlen
    int MSG_NOSIGNAL, MSG_DONTWAIT
    Py_ssize_t sendmsg(int fd, const msghdr* message, int flags)

cdef extern from "<sys/ioctl.h>" nogil:
    unsigned long FIONREAD
    int ioctl(int fd, unsigned long what, int* into)

cdef enum:
    READ_SIZE = 262144          # of the shared read buffer
    SHARED_HELD = 65536         # a partial frame up to this size goes on growing in the shared buffer
    TURN_OUT = 1048576          # replies of one turn beyond this leave before the next frame is looked at
    TURN_MS = 10                # a turn that took longer goes on in the next one: others have theirs in between
    IOVECS = 256
    QUEUE_HIGH = 1048576        # bytes in the transport from which on we do not read
    QUEUE_LOW = 262144
    TLS_HANDSHAKE = 0x16        # the first byte of a TLS connection; of a plain one it would be a frame of 352 MiB

cdef enum Step:
    MORE = 0                    # the rest is an incomplete frame, or nothing
    FULL_LANE = 1
    SLOW_LANE = 2
    FLUSH = 3
    MALFORMED = 4

QUEUE_LIMIT = 64 << 20
RUNNING_LIMIT = 4096

log = logging.getLogger("RocketmqRemoting")


cdef class ReadBuffer:
    """Memory a loop reads into; shared, because between a read and its turn nothing else is read."""

    def __cinit__(self):
        self.shared = <char*>malloc(READ_SIZE)
        if self.shared == NULL:
            raise MemoryError
        self.window = self.shared
        self.window_size = READ_SIZE

    def __dealloc__(self):
        free(self.shared)

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.window, self.window_size, 0, flags)

    def __len__(self):
        return self.window_size


cdef class Endpoint:
    def __cinit__(self):
        memset(&self.spare, 0, sizeof(OutBuffer))

    def __init__(self, request_table, *, name, lane=None, serialize_type=0, frame_limit=FRAME_LIMIT, clock=None,
                 gate=None, on_connect=None, on_close=None, queue_limit=QUEUE_LIMIT, running_limit=RUNNING_LIMIT,
                 watch=None):
        self.request_table = request_table
        self.name = name
        self.lane = Lane() if lane is None else lane
        self.no_lane = Lane()
        self.watch = watch
        self.serialize_type = serialize_type
        self.frame_limit = frame_limit
        self.queue_limit = queue_limit
        self.running_limit = running_limit
        self.clock = Clock() if clock is None else clock
        self.machine_clock = type(self.clock) is Clock
        self.gate = gate
        self.on_connect = on_connect
        self.on_close = on_close
        self.connections = set()
        self.reader = ReadBuffer()
        self.loop = asyncio.get_running_loop()

    def __dealloc__(self):
        out_free(&self.spare)

    cdef int64_t now_ms(self) except -1:
        return clock_ms(CLOCK_REALTIME) if self.machine_clock else <int64_t>self.clock.now_ms()

    cdef int64_t monotonic_ms(self) except -1:
        return clock_ms(CLOCK_MONOTONIC) if self.machine_clock else <int64_t>self.clock.monotonic_ms()

    cdef int64_t monotonic_ns(self) except -1:
        return clock_ns(CLOCK_MONOTONIC) if self.machine_clock else <int64_t>self.clock.monotonic_ns()

    @property
    def running_count(self) -> int:
        cdef Connection connection
        cdef Py_ssize_t count = 0
        for connection in self.connections:
            count += len(connection.running)
        return count

    def drain(self):
        """Read no more requests; those under way go on."""
        cdef Connection connection
        self.draining = True
        for connection in self.connections:
            connection.check_reading()

    def cancel_running(self):
        """Give up requests under way: nobody can be answered any more."""
        cdef Connection connection
        for connection in list(self.connections):
            for future in list(connection.running):
                future.cancel()

    def close_idle(self, idle_ms):
        """Close what was neither read from nor written to for that long."""
        cdef Connection connection
        cdef int64_t oldest = self.monotonic_ms() - <int64_t>idle_ms
        for connection in [c for c in self.connections if (<Connection>c).last_active_ms <= oldest]:
            if connection.closing:      # long closed, but it does not take what was written to it
                connection.abort()
                continue
            log.warning("%s: closing %s, idle for %d ms", self.name, connection.address, idle_ms)
            connection.close()


cdef int64_t clock_ns(int which) noexcept nogil:
    cdef timespec now
    clock_gettime(which, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef int64_t clock_ms(int which) noexcept nogil:
    return clock_ns(which) // 1000000


cdef Step next_step(Lane lane, Peer* peer, const char* data, Py_ssize_t size, Py_ssize_t limit, int64_t now_ms,
                    Frame* frame, Py_ssize_t* at, Py_ssize_t* length) noexcept nogil:
    """Let the lane serve frames from *at on, as far as it can; what the frame it stops at needs."""
    cdef int served
    while True:
        if peer.out.size >= TURN_OUT:
            return FLUSH
        length[0] = frame_length(data + at[0], size - at[0], limit)
        if length[0] <= 0:
            return MALFORMED if length[0] < 0 else MORE
        length[0] = scan_frame(data + at[0], size - at[0], frame)
        if length[0] <= 0:
            return MALFORMED if length[0] < 0 else MORE
        if frame.odd or frame.flag & FLAG_RESPONSE:
            return FULL_LANE
        served = lane.serve(frame, peer, now_ms)
        if served <= 0:
            return FULL_LANE if served == 0 else SLOW_LANE
        at[0] += length[0]


cdef class Connection(LanePeer):
    def __init__(self, Endpoint endpoint not None):
        self.endpoint = endpoint
        self.is_open = False
        self.fd = -1
        self.attributes = {}
        self.pending = {}
        self.running = set()
        self.ip = ""
        self.reading = True

    def __dealloc__(self):
        free(self.held)

    def __repr__(self):
        return f"<Connection {self.endpoint.name} {self.address}{'' if self.is_open else ' closed'}>"

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"

    # ---- the transport's callbacks

    def connection_made(self, transport):
        self.transport = transport
        self.is_open = True
        self.undecided = self.endpoint.gate is not None
        self.last_active_ms = self.endpoint.monotonic_ms()
        self.note_peer(transport.get_extra_info("peername"))
        sock = transport.get_extra_info("socket")
        if sock is not None and transport.get_extra_info("sslcontext") is None:
            self.fd = sock.fileno()
        transport.set_write_buffer_limits(high=QUEUE_HIGH, low=QUEUE_LOW)
        self.endpoint.connections.add(self)
        if self.endpoint.on_connect is not None:
            self.endpoint.on_connect(self)

    def note_peer(self, name):
        """Address and port, for log lines and as born host of messages (IPv4 and port, as on disk)."""
        if not isinstance(name, tuple) or len(name) < 2:
            return
        self.ip = name[0][7:] if name[0].lower().startswith("::ffff:") else name[0]
        self.port = name[1]
        try:
            host = socket.inet_pton(socket.AF_INET, self.ip)
        except OSError:                 # IPv6: the stored format of 4.5.2 has four bytes
            host = bytes(4)
        host += self.port.to_bytes(4, "big")
        memcpy(self.peer.born_host, <const char*>host, 8)

    def connection_lost(self, exc):
        if self.lost:                   # a handshake that failed is told by the loop, or by the gate, or by both
            return
        self.lost = True
        self.is_open = False
        self.fd = -1
        self.endpoint.connections.discard(self)
        self.drop()
        out_free(&self.peer.out)
        out_free(&self.peer.gated)
        pending, self.pending = self.pending, {}
        for future in pending.values():
            if not future.done():
                future.set_exception(RemotingSendError(f"the connection to {self.address} is closed"))
        try:
            self.endpoint.lane.forget(self)
            if self.endpoint.on_close is not None:
                self.endpoint.on_close(self)
        except Exception:
            log.exception("%s: closing %s", self.endpoint.name, self.address)

    def eof_received(self):
        return False

    def pause_writing(self):
        self.write_paused = True
        self.behind_ms = 0              # from here on it is the peer that lets its requests wait
        self.check_reading()

    @property
    def is_writable(self) -> bool:
        return self.is_open and not self.closing and not self.write_paused

    def resume_writing(self):
        self.write_paused = False
        self.last_active_ms = self.endpoint.monotonic_ms()
        self.check_reading()

    def get_buffer(self, sizehint):
        cdef ReadBuffer reader = self.endpoint.reader
        cdef Py_ssize_t length
        if self.held_size <= SHARED_HELD:
            if self.held_size:
                memcpy(reader.shared, self.held, self.held_size)
            reader.window = reader.shared + self.held_size
            reader.window_size = READ_SIZE - self.held_size
            return reader if self.fd >= 0 else memoryview(reader)   # what decrypts takes slices of it
        # A long frame: straight into its own memory, which doubles as bytes come, up to the frame's end.
        length = frame_length(self.held, self.held_size, self.endpoint.frame_limit)
        if length <= self.held_size:    # whole frames that wait: a loop reads although it was told to pause
            length = self.held_size + SHARED_HELD
        if self.held_capacity < length and self.held_capacity < 2 * self.held_size:
            self.grow(min(length, 2 * self.held_size))
        reader.window = self.held + self.held_size
        reader.window_size = min(length, self.held_capacity) - self.held_size
        return reader if self.fd >= 0 else memoryview(reader)

    def buffer_updated(self, nbytes):
        cdef Py_ssize_t size = nbytes
        self.reads += 1
        if self.undecided and not self.admitted(size):
            return
        if self.held_size <= SHARED_HELD:
            size += self.held_size
            self.held_size = 0
            self.run_turn(self.endpoint.reader.shared, size)
            return
        self.held_size += size
        if self.held_size >= frame_length(self.held, self.held_size, self.endpoint.frame_limit):
            self.run_turn(self.held, self.held_size)
        else:
            self.last_active_ms = self.endpoint.monotonic_ms()

    # ---- TLS

    cdef int admitted(self, Py_ssize_t size) except -1:
        """Whether these first bytes are a plain frame's that the gate lets in; a handshake's go to the gate."""
        cdef const char* first = self.endpoint.reader.shared
        self.undecided = False
        if first[0] != TLS_HANDSHAKE:
            return self.endpoint.gate.admits_plain(self)
        self.fd = -1
        self.write_paused = True        # no frame is served before its reply could be encrypted
        self.check_reading()
        self.endpoint.gate.secure(self, first[:size])
        return False

    def secured(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=QUEUE_HIGH, low=QUEUE_LOW)
        self.resume_writing()

    # ---- bytes that wait

    cdef int keep(self, const char* data, Py_ssize_t size) except -1:
        """Hold these bytes instead of what was held; they may lie in the memory held before."""
        if size == 0:
            return self.drop()
        if data >= self.held and data < self.held + self.held_capacity:
            memmove(self.held, data, size)
            if self.held_capacity > 2 * SHARED_HELD and size < SHARED_HELD:
                self.grow(size)
        else:
            if self.held_capacity > 2 * SHARED_HELD:
                self.drop()
            if self.held_capacity < size:
                self.grow(size)
            memcpy(self.held, data, size)
        self.held_size = size
        return 0

    def grow(self, capacity):
        """Make room for this many held bytes, no more and no less."""
        cdef char* grown = <char*>realloc(self.held, capacity)
        if grown == NULL:
            raise MemoryError
        self.held = grown
        self.held_capacity = capacity

    cdef int drop(self) except -1:
        free(self.held)
        self.held = NULL
        self.held_size = self.held_capacity = 0
        return 0

    # ---- a turn

    cdef int run_turn(self, const char* data, Py_ssize_t size) except -1:
        """Serve the frames in these bytes, hold what is left, write what was answered."""
        cdef Endpoint endpoint = self.endpoint
        cdef int64_t now_ns, began_ns = endpoint.monotonic_ns()
        self.last_active_ms = began_ns // 1000000
        self.in_turn = True
        if endpoint.watch is not None:
            self.note_wait()
        if self.peer.out.own == NULL:   # turns of all connections write into the same memory
            self.peer.out = endpoint.spare
            memset(&endpoint.spare, 0, sizeof(OutBuffer))
        try:
            self.serve_turn(data, size)
            endpoint.lane.end_turn(self)
        except Exception:
            log.exception("%s: closing %s", endpoint.name, self.address)
            self.closing = True
        finally:
            self.in_turn = False
        now_ns = endpoint.monotonic_ns()
        endpoint.lane.turn_took(now_ns - began_ns)
        self.write_out(now_ns // 1000000)
        if endpoint.spare.own == NULL:
            endpoint.spare = self.peer.out
            memset(&self.peer.out, 0, sizeof(OutBuffer))
        if self.closing:
            self.close()
        else:
            self.check_reading()
            if self.out_of_time:
                endpoint.loop.call_soon(self.next_turn)
        return 0

    cdef int serve_turn(self, const char* data, Py_ssize_t size) except -1:
        """The ladder of errors: whatever a frame does, those before it are answered and woken for."""
        cdef Py_ssize_t used
        try:
            used = self.run_frames(data, size)
            if self.behind_ms or self.out_of_time:
                self.note_backlog(used, size - used)
            if self.is_open and not self.closing:
                self.keep(data + used, size - used)
        except ProtocolError as error:
            log.warning("%s: closing %s: %s", self.endpoint.name, self.address, error)
            self.closing = True
        except Exception:
            log.exception("%s: closing %s", self.endpoint.name, self.address)
            self.closing = True
        return 0

    cdef Py_ssize_t run_frames(self, const char* data, Py_ssize_t size) except -1:
        """Bytes of the frames served."""
        cdef Frame frame
        cdef Step step
        cdef Py_ssize_t at = 0, length = 0
        cdef Lane lane = self.endpoint.no_lane if self.waited_ms else self.endpoint.lane
        cdef Py_ssize_t limit = self.endpoint.frame_limit
        cdef int64_t now_ms = self.endpoint.now_ms()
        cdef int64_t until_ms = self.last_active_ms + TURN_MS
        while self.is_open and not self.closing and not self.must_wait():
            with nogil:
                step = next_step(lane, &self.peer, data, size, limit, now_ms, &frame, &at, &length)
            if step == MORE:
                return at
            if step == MALFORMED:
                raise ProtocolError(f"malformed frame: {reason_text(length)}")
            if step == FLUSH:
                self.write_out(self.endpoint.monotonic_ms())
            else:
                self.turn_data, self.turn_size, self.turn_at = data, size, at + length
                self.run_one(&frame, step == SLOW_LANE)
                at += length
            if at < size and self.endpoint.monotonic_ms() >= until_ms:
                self.out_of_time = True
        return at

    cdef int run_one(self, Frame* frame, bint slow) except -1:
        """One frame that needs the GIL."""
        cdef Command command = None
        if slow:
            try:
                if self.endpoint.lane.serve_slow(frame, self, self.endpoint.now_ms()):
                    return 0
            except Exception as error:
                return self.refuse(frame_command(frame), error)
        command = frame_command(frame)
        if not command.is_response:
            return self.answer(command)
        future = self.pending.pop(command.opaque, None)
        if future is None:
            log.info("%s: %s answers what was not asked: %r", self.endpoint.name, self.address, command)
        elif not future.done():
            future.set_result(command)
        return 0

    # ---- how long requests have waited

    cdef int note_wait(self) except -1:
        """Before a turn: waited_ms, 0 below the limit that anybody minds."""
        cdef LoopWatch watch = self.endpoint.watch
        cdef int64_t now_ms = self.last_active_ms
        cdef int64_t overdue_ms = watch.overdue(now_ms)
        self.waited_ms = 0
        self.waiting = -1
        if overdue_ms > watch.limit_ms and watch.late_ms <= watch.limit_ms:
            self.behind_ms = 0          # the first time it is a stall, which is over: time begins anew
        elif overdue_ms > watch.limit_ms:
            self.waited_ms = overdue_ms
        if self.behind_ms and now_ms - self.behind_ms > watch.limit_ms:
            self.waited_ms = max(self.waited_ms, now_ms - self.behind_ms)
        return 0

    cdef int note_backlog(self, Py_ssize_t used, Py_ssize_t left) except -1:
        """After a turn that left frames behind, or one that served what an earlier one had left."""
        cdef int in_socket = 0
        if self.behind_ms:
            self.behind_bytes -= used
            if self.behind_bytes <= 0:
                self.behind_ms = 0
        if self.out_of_time and not self.behind_ms and self.endpoint.watch is not None:
            if self.fd >= 0:
                ioctl(self.fd, FIONREAD, &in_socket)
            self.behind_bytes = left + in_socket
            self.behind_ms = self.endpoint.monotonic_ms()
        return 0

    @property
    def waiting_count(self) -> int:
        """Whole requests that wait behind the one at hand in what was read; within a turn."""
        cdef Py_ssize_t at, length
        if self.waiting < 0:
            self.waiting = 0
            at = self.turn_at
            while at < self.turn_size:
                length = frame_length(self.turn_data + at, self.turn_size - at, self.endpoint.frame_limit)
                if length <= 0 or at + length > self.turn_size:
                    break
                self.waiting += 1
                at += length
        else:
            self.waiting = max(0, self.waiting - 1)
        return self.waiting

    @property
    def backlog(self):
        """(codes of whole requests that were read and wait for another turn, since when); ([], 0) when none do."""
        cdef Frame frame
        cdef Py_ssize_t at = 0, length
        codes = []
        while self.behind_ms and at < self.held_size:
            length = scan_frame(self.held + at, self.held_size - at, &frame)
            if length <= 0:
                break
            codes.append(frame.code)
            at += length
        return codes, self.behind_ms if codes else 0

    # ---- the full lane

    cdef int answer(self, Command request) except -1:
        processor = self.endpoint.request_table.get(request.code)
        if processor is None:
            remark = f" request type {request.code} not supported"
            return self.answer_with(request, response(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark))
        try:
            return self.answer_with(request, processor(self, request))
        except Exception as error:
            return self.refuse(request, error)

    cdef int answer_with(self, Command request, object answer) except -1:
        """Send a response; wait for one that comes later; nothing for None."""
        if answer is None:
            return 0
        if isinstance(answer, Command):
            self.reply(request, answer)
            return 0
        self.answer_later(request, asyncio.ensure_future(answer, loop=self.endpoint.loop))
        return 0

    def answer_later(self, Command request, future):
        def settle(done):
            self.running.discard(done)
            if done.cancelled():
                return
            error = done.exception()
            if error is not None:
                self.refuse(request, error)
            elif done.result() is not None:
                self.reply(request, done.result())
            self.check_reading()

        self.running.add(future)
        future.add_done_callback(settle)

    cdef int refuse(self, Command request, object error) except -1:
        """Answer with what went wrong: the request, or we."""
        if isinstance(error, RequestRefused):
            code, remark = error.code, error.remark
        elif isinstance(error, ProtocolError):
            code, remark = ResponseCode.SYSTEM_ERROR, str(error)
        else:
            log.error("%s: request %d of %s failed", self.endpoint.name, request.code, self.address, exc_info=error)
            code, remark = ResponseCode.SYSTEM_ERROR, f"{type(error).__name__}: {error}"
        self.reply(request, response(code, remark))
        return 0

    def reply(self, Command request not None, Command answer not None):
        if request.flag & FLAG_ONEWAY:
            return
        answer.opaque = request.opaque
        answer.flag |= FLAG_RESPONSE
        self.put(answer)

    def send(self, Command command not None):
        if not command.flag & FLAG_RESPONSE:
            command.opaque = self.new_opaque()
            command.flag |= FLAG_ONEWAY
        self.put(command)

    def invoke(self, Command command not None, timeout_ms):
        loop = self.endpoint.loop
        future = loop.create_future()
        if not self.is_open or self.closing:
            future.set_exception(RemotingSendError(f"the connection to {self.address} is closed"))
            return future
        command.opaque = opaque = self.new_opaque()

        def expire():
            if not future.done():
                future.set_exception(RemotingTimeout(f"{self.address} did not answer within {timeout_ms:.0f} ms"))

        def forget(_):
            timer.cancel()
            self.pending.pop(opaque, None)

        timer = loop.call_later(timeout_ms / 1000, expire)
        future.add_done_callback(forget)
        self.pending[opaque] = future
        self.put(command)
        return future

    def new_opaque(self):
        self.next_opaque = self.next_opaque + 1 & 0x7FFFFFFF
        return self.next_opaque

    # ---- out

    cdef int put(self, Command command) except -1:
        if not self.is_open or self.closing:
            return 0
        put_command(&self.peer.out, command, self.endpoint.serialize_type)
        return self.flush_out()

    cdef int flush_out(self) except -1:
        if self.in_turn:
            return 0
        self.write_out(self.endpoint.monotonic_ms())
        out_free(&self.peer.out)
        return 0

    cdef int write_out(self, int64_t now_ms) except -1:
        """Everything in peer.out to the socket, what it does not take to the transport."""
        cdef OutBuffer* out = &self.peer.out
        cdef Py_ssize_t sent = 0
        if out.size == 0:
            return 0
        if not self.is_open or self.transport.is_closing():
            out_clear(out)
            return 0
        self.writes += 1
        if self.queued:
            self.queued = self.transport.get_write_buffer_size() > 0
        if not self.queued:
            self.last_active_ms = now_ms
            if self.fd >= 0:
                sent = self.write_socket(out)
        if sent < out.size and self.is_open:
            self.queued = True
            self.transport.write(out_bytes(out, sent))
            if self.transport.get_write_buffer_size() > self.endpoint.queue_limit:
                log.warning("%s: closing %s, which does not read: %d bytes wait for it", self.endpoint.name,
                            self.address, self.transport.get_write_buffer_size())
                self.abort()
        out_clear(out)
        return 0

    cdef Py_ssize_t write_socket(self, OutBuffer* out) except -1:
        """Bytes the socket took."""
        cdef iovec[IOVECS] iovecs
        cdef msghdr message
        cdef Py_ssize_t total = 0, sent = 0, wanted
        cdef int first = 0, count, i, wrong = 0, fd = self.fd
        memset(&message, 0, sizeof(msghdr))
        message.msg_iov = iovecs
        with nogil:
            while first < out.segment_count:
                count = out_iovecs(out, first, iovecs, IOVECS)
                wanted = 0
                for i in range(count):
                    wanted += iovecs[i].iov_len
                message.msg_iovlen = count
                sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                if sent < 0:
                    wrong = errno
                    if wrong == EINTR:
                        continue
                    break
                total += sent
                if sent < wanted:
                    break
                first += count
        if sent < 0 and wrong != EAGAIN:
            self.abort()
        return total

    # ---- back-pressure

    cdef int must_wait(self) except -1:
        return (self.write_paused or self.out_of_time or self.endpoint.draining
                or len(self.running) >= self.endpoint.running_limit)

    cdef int check_reading(self) except -1:
        """Read if, and only if, the peer takes its replies, its work is not too much, and it had not a long turn."""
        cdef bint wait = self.must_wait()
        if not self.is_open or self.closing or self.in_turn:
            return 0
        if wait and self.reading:
            self.reading = False
            self.transport.pause_reading()
        elif not wait and not self.reading:
            # Frames that were held meanwhile come first, and not from inside of whoever called us.
            self.reading = True
            self.endpoint.loop.call_soon(self.go_on)
        return 0

    def next_turn(self):
        """The others had their turn."""
        self.out_of_time = False
        self.check_reading()

    def go_on(self):
        if not self.is_open or self.closing or self.must_wait():
            self.reading = False
            return
        if self.held_size:
            self.run_turn(self.held, self.held_size)
        if self.is_open and self.reading and not self.closing:
            self.transport.resume_reading()

    # ---- the end

    def close(self):
        self.closing = True
        if not self.in_turn and self.is_open:
            self.is_open = False
            self.transport.close()

    def abort(self):
        self.closing = True
        self.is_open = False
        self.transport.abort()
