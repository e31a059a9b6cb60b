/* Sends at a fixed rate to a consumer that waits: how long from when a message is due until a held pull brings it.
 *
 * One connection sends, the other keeps one long-polling pull in flight for each queue. Each body begins with the time its
 * send fell due, so both ends are read from one clock. Invariant: pulls stand at the queues' ends before the first send,
 * and each goes on behind the last record it was given.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include "load.h"

enum { DUE_WIDTH = 16, BODY_AT = 88, PULL_NOT_FOUND = 19, PULL_RETRY = 20, PULL_MOVED = 21 };
enum { SENDER = 0, FOLLOWER = 1 };

static const int64_t FAR_BEYOND = (int64_t)1 << 40; /* a pull from there is told where the queue ends */

static int is_followable(const Options *options) {
    return options->rate > 0 && options->size >= DUE_WIDTH && options->topics == 1 && options->queues <= 10;
}

/* Writes into the body of the send just appended when it was due. */
static void stamp_due(Buffer *out, const Template *from, uint64_t due_ns) {
    put_hex(out->at + out->end - from->bytes.end + from->body_at, DUE_WIDTH, due_ns);
}

static void follow_on(Load *load, long queue) {
    Connection *follower = &load->connections[FOLLOWER];
    append_pull(&follower->out, load->options, FIRST_OPAQUE + (uint32_t)queue, (int)queue, follower->slots[queue].offset);
}

static void take_due_records(Load *load, const Reply *reply, uint64_t now) {
    const char *end = reply->body + reply->body_size;
    for (const char *at = reply->body; at < end; at += get_u32(at)) {
        if (get_u32(at + BODY_AT - 4) != (uint32_t)load->options->size)
            stop_at_bad_answer(reply);
        load->total++;
        load->last_good_ns = now;
        if (load->phase != MEASURED)
            continue;
        load->acked++;
        record_value(&load->latency, now - get_hex(at + BODY_AT, DUE_WIDTH));
    }
}

/* A pull's answer: records, or where to go on. */
static void take_followed(Load *load, const Reply *reply, uint64_t now) {
    long queue = (long)(reply->opaque - FIRST_OPAQUE);
    if (reply->opaque < FIRST_OPAQUE || queue >= load->options->queues)
        stop_at_bad_answer(reply);
    Slot *slot = &load->connections[FOLLOWER].slots[queue];
    int empty = reply->code == PULL_NOT_FOUND || reply->code == PULL_RETRY || reply->code == PULL_MOVED;
    if (!empty && (reply->code || check_records(reply, (int)queue, slot->offset, 0) < 1))
        stop_at_bad_answer(reply);
    if (!empty)
        take_due_records(load, reply, now);
    slot->offset = reply->code == PULL_MOVED ? ext_number(reply, "\"maxOffs", "et\"") /* the next one may be the first */
                                             : ext_number(reply, "\"nextBeg", "inOffset\"");
    slot->opaque = 1; /* knows its place */
    follow_on(load, queue);
}

static void take_sent(Load *load, const Reply *reply) {
    if (reply->code < 0 || reply->code >= CODES || (!reply->code && !has_message_id(reply, 1)))
        stop_at_bad_answer(reply);
    load->errors[reply->code]++;
}

static void read_followed(Load *load, Connection *connection) {
    Buffer *in = &connection->in;
    Reply reply;
    int64_t size;
    reserve(in, READ_SIZE / 4);
    ssize_t got = recv(connection->fd, in->at + in->end, in->capacity - in->end, 0);
    uint64_t now = now_ns();
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        die("the broker closed a connection");
    in->end += (size_t)got;
    for (; (size = read_reply(in->at + in->start, in->end - in->start, &reply)) > 0; in->start += (size_t)size)
        if (connection == &load->connections[FOLLOWER])
            take_followed(load, &reply, now);
        else
            take_sent(load, &reply);
    if (size < 0)
        die("the broker sent bytes that are no frame");
    if (in->start == in->end)
        in->start = in->end = 0;
    advance(load, now);
}

static void send_stamped(Load *load) {
    Connection *sender = &load->connections[SENDER];
    while (is_due(&load->pace, now_ns())) {
        int queue = (int)(load->requests % (uint64_t)load->options->queues);
        uint32_t opaque = FIRST_OPAQUE + (uint32_t)(load->requests++ % OPAQUES);
        append_send(&sender->out, &load->templates[0], opaque, 0, queue, wall_ms(), &load->key);
        stamp_due(&sender->out, &load->templates[0], take_due(&load->pace));
        write_out(load, sender);
    }
}

static int all_wait(const Load *load) {
    for (long queue = 0; queue < load->options->queues; queue++)
        if (!load->connections[FOLLOWER].slots[queue].opaque)
            return 0;
    return 1;
}

static void turn(Load *load) {
    struct epoll_event events[2];
    int ready = wait_ready(load, events, 2);
    for (int i = 0; i < ready; i++) {
        Connection *connection = events[i].data.ptr;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            read_followed(load, connection);
        write_out(load, connection);
    }
    if (now_ns() - load->last_good_ns > (uint64_t)load->options->timeout_ms * 1000000u) {
        fprintf(stderr, "loadgen: no message for %ld ms\n", load->options->timeout_ms);
        exit(1);
    }
}

static void open_both(Load *load) {
    load->connections = calloc(2, sizeof(Connection));
    for (int i = SENDER; i <= FOLLOWER; i++) {
        Connection *connection = &load->connections[i];
        connection->fd = connect_to(load->options);
        connection->slots = calloc((size_t)load->options->queues, sizeof(Slot));
        watch(load, connection, EPOLLIN, EPOLL_CTL_ADD);
    }
    for (long queue = 0; queue < load->options->queues; queue++) {
        load->connections[FOLLOWER].slots[queue].offset = FAR_BEYOND;
        follow_on(load, queue);
    }
    write_out(load, &load->connections[FOLLOWER]);
}

static int run_follow(const Options *options) {
    Load *load = calloc(1, sizeof *load);
    load->options = options;
    load->key = wall_ms() << 20;
    load->templates[0] = send_template(options, 0, 1);
    load->epoll = epoll_create1(0);
    load->last_good_ns = now_ns();
    signal(SIGTERM, ask_to_stop);
    open_both(load);
    while (!all_wait(load))
        turn(load);
    load->pace = start_pace(options->rate, now_ns());
    if (!options->warm)
        mark_start(load);
    while (load->phase != DRAINED) {
        send_stamped(load);
        turn(load);
    }
    print_result(load);
    return load->acked ? 0 : 1;
}

#endif
