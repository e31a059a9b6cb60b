/* The load: connections that each keep a fixed number of requests in flight, or send when the next is due (pace.h); driven
 * by one thread and one epoll.
 *
 * Every answer is checked, its latency recorded, and its slot used for the next request; one read is followed by one write.
 * Phases: warm, measured, drained. Invariant: `acked` counts messages answered well between the two marks, and the broker's
 * CPU time is read at the same marks.
 */
#ifndef LOAD_H
#define LOAD_H

#include "histogram.h"
#include "pace.h"
#include "replies.h"
#include "requests.h"
#include "transact.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CODES = 256, READ_SIZE = 1 << 20, PULL_RETRY_IMMEDIATELY = 20 };

typedef struct {
    uint64_t sent_ns;
    uint32_t opaque; /* 0: nothing in flight */
    int queue;       /* the queue of the request in flight; a pull's slot keeps to its queue */
    int64_t offset;  /* a pull's cursor; the queue offset of a half message */
    int64_t half_at; /* where in the commit log the half message stands that is to be committed next; -1: none */
} Slot;

typedef struct {
    int fd, writing; /* writing: the kernel took not all; wait for EPOLLOUT */
    uint64_t requests;
    Buffer in, out;
    Slot *slots;
} Connection;

typedef enum { WARM, MEASURED, DRAINED } Phase;

typedef struct {
    const Options *options;
    Template templates[QUEUE_WIDTHS]; /* by the number of digits of the queue id, less one */
    Pace pace;
    Connection *connections;
    int epoll, pulls, filters, transactions;
    long messages_per_request;
    Phase phase;
    uint64_t key, total, acked, requests, inflight, last_good_ns;
    uint64_t start_ns, end_ns, cpu_start_us, cpu_end_us, own_start_us, own_end_us;
    uint64_t errors[CODES];
    Histogram latency;
} Load;

/* User and system time of all threads of the process, living and gone, in microseconds. */
static uint64_t process_cpu_us(long pid) {
    char path[64], text[1024];
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = pid ? fopen(path, "r") : NULL;
    if (!file)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    const char *fields = strrchr(text, ')'); /* the name before it may hold blanks */
    if (!fields || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (uint64_t)((user + system) * (1000000.0 / (double)sysconf(_SC_CLK_TCK)));
}

static uint64_t own_cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void mark_start(Load *load) {
    load->phase = MEASURED;
    load->cpu_start_us = process_cpu_us(load->options->pid);
    load->own_start_us = own_cpu_us();
    load->start_ns = now_ns();
}

static void mark_end(Load *load) {
    load->phase = DRAINED;
    load->end_ns = now_ns();
    load->cpu_end_us = process_cpu_us(load->options->pid);
    load->own_end_us = own_cpu_us();
}

static int connect_to(const Options *options) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1 || fd < 0)
        die("address");
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void watch(Load *load, Connection *connection, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(load->epoll, how, connection->fd, &event))
        die("epoll_ctl");
}

/* Puts the slot's next request behind what waits to be written. */
static void next_request(Load *load, Connection *connection, long slot_index, uint64_t now) {
    Slot *slot = &connection->slots[slot_index];
    const Options *options = load->options;
    uint64_t rounds = OPAQUES / (uint64_t)options->outstanding;
    uint64_t round = connection->requests++ / (uint64_t)options->outstanding % rounds;
    slot->opaque = FIRST_OPAQUE + (uint32_t)(round * (uint64_t)options->outstanding) + (uint32_t)slot_index;
    load->inflight++;
    if (load->transactions && slot->half_at >= 0) {
        append_commit(&connection->out, options, slot->opaque, slot->half_at, slot->offset);
        return;
    }
    slot->sent_ns = now;
    if (load->pulls) {
        append_pull(&connection->out, options, slot->opaque, slot->queue, slot->offset);
        return;
    }
    slot->queue = (int)(load->requests % (uint64_t)options->queues);
    int topic = (int)(load->requests / (uint64_t)options->queues % (uint64_t)options->topics);
    const Template *template = &load->templates[digits_of(slot->queue) - 1];
    append_send(&connection->out, template, slot->opaque, topic, slot->queue, wall_ms(), &load->key);
    load->requests++;
}

static void write_out(Load *load, Connection *connection) {
    Buffer *out = &connection->out;
    while (out->start < out->end) {
        ssize_t wrote = send(connection->fd, out->at + out->start, out->end - out->start, MSG_NOSIGNAL);
        if (wrote < 0 && errno != EAGAIN)
            die("send");
        if (wrote < 0) {
            if (!connection->writing)
                watch(load, connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            connection->writing = 1;
            return;
        }
        out->start += (size_t)wrote;
    }
    out->start = out->end = 0;
    if (connection->writing)
        watch(load, connection, EPOLLIN, EPOLL_CTL_MOD);
    connection->writing = 0;
}

static long take_acknowledgement(const Load *load, const Reply *reply) {
    return has_message_id(reply, load->messages_per_request) ? load->messages_per_request : -1;
}

/* Messages that a good pull brought, its cursor moved on; past the newest message it begins again at 0. -1: a bad one. */
static int take_pull(const Load *load, const Reply *reply, Slot *slot) {
    int count = check_records(reply, slot->queue, slot->offset, load->filters);
    int64_t next = ext_number(reply, "\"nextBeg", "inOffset\"");
    int64_t newest = ext_number(reply, "\"maxOffs", "et\"");
    if (count < 1 - load->filters || count > load->options->max_nums || next < slot->offset + count)
        return -1;
    if (next > slot->offset + count && !load->filters)
        return -1;
    slot->offset = next < newest ? next : 0;
    return count;
}

/* A transaction's two answers: the half message's place is kept (-1 where it has none), the commit's counts. */
static long take_transaction(const Reply *reply, Slot *slot) {
    if (slot->half_at >= 0) {
        slot->half_at = -1;
        return 1;
    }
    slot->half_at = stored_at(reply);
    slot->offset = ext_number(reply, "\"queueOf", "fset\"");
    return -1;
}

/* A broker that answers wrongly is not worth measuring. */
static void stop_at_bad_answer(const Reply *reply) {
    fprintf(stderr, "loadgen: bad answer: %.*s (%u bytes of body)\n", (int)reply->header_size, reply->header,
            reply->body_size);
    exit(1);
}

/* One answer: checked, counted and timed. Returns the slot that is free now. */
static long take_reply(Load *load, Connection *connection, const Reply *reply, uint64_t now) {
    long index = (long)((reply->opaque - FIRST_OPAQUE) % (uint32_t)load->options->outstanding);
    Slot *slot = &connection->slots[index];
    if (reply->opaque < FIRST_OPAQUE || reply->opaque != slot->opaque || reply->code < 0 || reply->code >= CODES)
        stop_at_bad_answer(reply);
    slot->opaque = 0;
    load->inflight--;
    int passed_over = load->filters && reply->code == PULL_RETRY_IMMEDIATELY; /* there was nothing that is wanted */
    if (reply->code && !passed_over) {
        load->errors[reply->code]++;
        slot->half_at = -1;
        return index;
    }
    long messages = load->transactions ? take_transaction(reply, slot)
                    : load->pulls      ? take_pull(load, reply, slot)
                                       : take_acknowledgement(load, reply);
    if (load->transactions && slot->half_at >= 0 && slot->offset >= 0)
        return index; /* its commit is next */
    if (messages < 0)
        stop_at_bad_answer(reply);
    load->last_good_ns = now;
    load->total += (uint64_t)messages;
    if (load->phase == MEASURED) {
        load->acked += (uint64_t)messages;
        record_value(&load->latency, now - slot->sent_ns);
    }
    return index;
}

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal) { stop_asked = signal; }

static void advance(Load *load, uint64_t now) {
    const Options *options = load->options;
    uint64_t deadline = load->start_ns + (uint64_t)options->duration_ms * 1000000u;
    if (stop_asked && load->phase != DRAINED)
        mark_end(load);
    if (load->phase == WARM && load->total >= (uint64_t)options->warm)
        mark_start(load);
    else if (load->phase == MEASURED && (load->acked >= (uint64_t)options->count || now > deadline))
        mark_end(load);
}

/* Takes every whole answer that has come and asks anew for each. */
static void take_replies(Load *load, Connection *connection, uint64_t now) {
    Buffer *in = &connection->in;
    Reply reply;
    int64_t size;
    while ((size = read_reply(in->at + in->start, in->end - in->start, &reply)) > 0) {
        in->start += (size_t)size;
        long slot = take_reply(load, connection, &reply, now);
        advance(load, now);
        if (load->phase != DRAINED && !load->pace.period_ns)
            next_request(load, connection, slot, now);
    }
    if (size < 0) {
        fprintf(stderr, "loadgen: the broker sent bytes that are no frame\n");
        exit(1);
    }
    if (in->start == in->end)
        in->start = in->end = 0;
}

static void read_in(Load *load, Connection *connection) {
    Buffer *in = &connection->in;
    reserve(in, READ_SIZE / 4);
    ssize_t got = recv(connection->fd, in->at + in->end, in->capacity - in->end, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        fprintf(stderr, "loadgen: the broker closed a connection: %s\n", got ? strerror(errno) : "end of stream");
        exit(1);
    }
    in->end += (size_t)got;
    take_replies(load, connection, now_ns());
}

/* Connections with all their requests written; pulls spread over the queues, each slot reading one from its beginning. */
static void open_connections(Load *load) {
    const Options *options = load->options;
    load->connections = calloc((size_t)options->connections, sizeof(Connection));
    for (long i = 0; i < options->connections; i++) {
        Connection *connection = &load->connections[i];
        connection->fd = connect_to(options);
        connection->slots = calloc((size_t)options->outstanding, sizeof(Slot));
        reserve(&connection->in, READ_SIZE);
        watch(load, connection, EPOLLIN, EPOLL_CTL_ADD);
    }
    for (long i = 0; i < options->connections; i++)
        for (long slot = 0; slot < options->outstanding; slot++) {
            load->connections[i].slots[slot].half_at = -1;
            load->connections[i].slots[slot].queue = (int)((i * options->outstanding + slot) % options->queues);
            if (!load->pace.period_ns)
                next_request(load, &load->connections[i], slot, now_ns());
        }
    for (long i = 0; i < options->connections; i++)
        write_out(load, &load->connections[i]);
}

/* A slot with nothing in flight, of the first connection that has one; NULL: all wait for answers. */
static Connection *free_slot(Load *load, long *slot) {
    for (long i = 0; i < load->options->connections; i++)
        for (*slot = 0; *slot < load->options->outstanding; (*slot)++)
            if (!load->connections[i].slots[*slot].opaque)
                return &load->connections[i];
    return NULL;
}

/* Sends what has fallen due. What finds no free slot stays due, and its wait counts. */
static void send_due(Load *load) {
    Connection *connection;
    long slot;
    while (load->phase != DRAINED && is_due(&load->pace, now_ns()) && (connection = free_slot(load, &slot))) {
        next_request(load, connection, slot, take_due(&load->pace));
        write_out(load, connection);
    }
}

/* Connections with something to read or room to write; at most until the next request is due. */
static int wait_ready(Load *load, struct epoll_event *events, int count) {
    if (!load->pace.period_ns || load->phase == DRAINED)
        return epoll_wait(load->epoll, events, count, 100);
    struct pollfd all = {.fd = load->epoll, .events = POLLIN};
    struct timespec sleep = wait_for(&load->pace, now_ns());
    ppoll(&all, 1, &sleep, NULL); /* epoll_wait itself sleeps whole milliseconds only */
    return epoll_wait(load->epoll, events, count, 0);
}

static void run_until_drained(Load *load) {
    struct epoll_event events[256];
    load->last_good_ns = now_ns();
    while (load->phase != DRAINED || load->inflight) {
        int ready = wait_ready(load, events, 256);
        for (int i = 0; i < ready; i++) {
            Connection *connection = events[i].data.ptr;
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_in(load, connection);
            write_out(load, connection);
        }
        advance(load, now_ns());
        if (load->pace.period_ns)
            send_due(load);
        if (now_ns() - load->last_good_ns > (uint64_t)load->options->timeout_ms * 1000000u) {
            fprintf(stderr, "loadgen: no good answer for %ld ms, %llu requests in flight\n", load->options->timeout_ms,
                    (unsigned long long)load->inflight);
            exit(1);
        }
    }
}

static void print_errors(const Load *load) {
    const char *comma = "";
    printf("\"errors\":{");
    for (int code = 1; code < CODES; code++) {
        if (!load->errors[code])
            continue;
        printf("%s\"%d\":%llu", comma, code, (unsigned long long)load->errors[code]);
        comma = ",";
    }
    printf("}");
}

static void print_result(const Load *load) {
    const Histogram *latency = &load->latency;
    double seconds = (double)(load->end_ns - load->start_ns) / 1e9;
    double messages = load->acked ? (double)load->acked : 1;
    printf("{\"mode\":\"%s\",\"size\":%ld,\"connections\":%ld,\"outstanding\":%ld,", load->options->mode,
           load->options->size, load->options->connections, load->options->outstanding);
    printf("\"total\":%llu,", (unsigned long long)load->total);
    printf("\"messages\":%llu,\"requests\":%llu,\"seconds\":%.6f,\"rate\":%.1f,", (unsigned long long)load->acked,
           (unsigned long long)latency->count, seconds, (double)load->acked / seconds);
    printf("\"broker_cpu_us\":%.4f,", (double)(load->cpu_end_us - load->cpu_start_us) / messages);
    printf("\"loadgen_cpu_us\":%.4f,", (double)(load->own_end_us - load->own_start_us) / messages);
    printf("\"loadgen_busy\":%.3f,", (double)(load->own_end_us - load->own_start_us) / 1e6 / seconds);
    printf("\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f,", (double)percentile(latency, 0.5) / 1e3,
           (double)percentile(latency, 0.99) / 1e3, (double)percentile(latency, 0.999) / 1e3, (double)latency->max / 1e3);
    printf("\"mean_us\":%.2f,", latency->count ? (double)latency->total / (double)latency->count / 1e3 : 0.0);
    print_errors(load);
    printf("}\n");
}

static int run_load(const Options *options) {
    int batch = !strcmp(options->mode, "batch");
    Load *load = calloc(1, sizeof *load);
    load->options = options;
    load->pulls = !strcmp(options->mode, "pull");
    load->filters = !has_filter(options, "none");
    load->transactions = is_transacting(options);
    load->messages_per_request = batch ? options->batch : 1;
    load->key = wall_ms() << 20; /* apart from the keys of any earlier run */
    for (int width = 1; !load->pulls && width <= digits_of((int)options->queues - 1); width++)
        load->templates[width - 1] = send_template(options, batch, width);
    signal(SIGTERM, ask_to_stop);
    if (options->rate)
        load->pace = start_pace(options->rate, now_ns());
    load->epoll = epoll_create1(0);
    if (!options->warm)
        mark_start(load);
    open_connections(load);
    run_until_drained(load);
    print_result(load);
    return load->acked ? 0 : 1;
}

#endif
