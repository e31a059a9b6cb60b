/* A broker that stores nothing: answers every send and pull with the smallest right answer.
 *
 * It shows what the generator itself can drive, and what sockets alone cost; one thread, any number of connections.
 */
#ifndef SINK_H
#define SINK_H

#include "follow.h"

typedef struct {
    Template records; /* a pull's records, with their queue and offset to be stamped */
    size_t record_size;
    const Options *options;
} Sink;

static void build_records(Sink *sink) {
    Buffer *bytes = &sink->records.bytes;
    const Options *options = sink->options;
    size_t properties = strlen("UNIQ_KEY.WAIT.true.TAGS.TagA....") + 32;
    sink->record_size = RECORD_FIXED + (size_t)options->size + strlen(options->topic) + properties;
    reserve(bytes, sink->record_size * (size_t)options->max_nums);
    memset(bytes->at, 'x', sink->record_size * (size_t)options->max_nums);
    for (long i = 0; i < options->max_nums; i++) {
        put_u32(bytes->at + bytes->end, (uint32_t)sink->record_size);
        put_u32(bytes->at + bytes->end + 4, RECORD_MAGIC);
        bytes->end += sink->record_size;
    }
}

static void answer_send(Buffer *out, uint32_t opaque, int64_t messages) {
    size_t start = out->end;
    char text[256];
    append_blank(out, 8);
    append_text(out, "{\"code\":0,\"extFields\":{\"queueId\":\"0\",\"TRACE_ON\":\"true\",\"MSG_REGION\":\"DefaultRegion\",\"msgId\":\"");
    for (int64_t i = 0; i < messages; i++) {
        append_text(out, i ? "," : "");
        append_text(out, "7F00000100002A9F0000000000000000");
    }
    snprintf(text, sizeof text,
             "\",\"queueOffset\":\"0\"},\"flag\":1,\"language\":\"JAVA\",\"opaque\":%u,"
             "\"serializeTypeCurrentRPC\":\"JSON\",\"version\":317}", opaque);
    append_text(out, text);
    put_u32(out->at + start, (uint32_t)(out->end - start - 4));
    put_u32(out->at + start + 4, (uint32_t)(out->end - start - 8));
}

static void answer_pull(const Sink *sink, Buffer *out, const Reply *request) {
    size_t start = out->end, size = sink->records.bytes.end;
    int64_t offset = ext_number(request, "\"queueOf", "fset\""), queue = ext_number(request, "\"queueId", "\"");
    char text[512];
    snprintf(text, sizeof text,
             "{\"code\":0,\"extFields\":{\"suggestWhichBrokerId\":\"0\",\"nextBeginOffset\":\"%lld\",\"maxOffset\":\"9999999\","
             "\"minOffset\":\"0\"},\"flag\":1,\"language\":\"JAVA\",\"opaque\":%u,\"remark\":\"FOUND\","
             "\"serializeTypeCurrentRPC\":\"JSON\",\"version\":317}", (long long)(offset + sink->options->max_nums), request->opaque);
    append_blank(out, 8);
    append_text(out, text);
    put_u32(out->at + start + 4, (uint32_t)(out->end - start - 8));
    append(out, sink->records.bytes.at, size);
    put_u32(out->at + start, (uint32_t)(out->end - start - 4));
    char *record = out->at + out->end - size;
    for (long i = 0; i < sink->options->max_nums; i++, record += sink->record_size) {
        put_u32(record + 12, (uint32_t)queue);
        put_u64(record + 20, (uint64_t)(offset + i));
    }
}

static void answer_all(const Sink *sink, Connection *connection) {
    Buffer *in = &connection->in;
    Reply request;
    int64_t size;
    while ((size = read_reply(in->at + in->start, in->end - in->start, &request)) > 0) {
        in->start += (size_t)size;
        if (request.code == 11)
            answer_pull(sink, &connection->out, &request);
        else
            answer_send(&connection->out, request.opaque, request.code == 320 ? sink->options->batch : 1);
    }
    if (in->start == in->end)
        in->start = in->end = 0;
}

static void serve(Load *server, const Sink *sink, Connection *connection) {
    Buffer *in = &connection->in;
    reserve(in, READ_SIZE / 4);
    ssize_t got = recv(connection->fd, in->at + in->end, in->capacity - in->end, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        close(connection->fd);
        free(in->at);
        free(connection->out.at);
        free(connection);
        return;
    }
    if (got > 0) {
        in->end += (size_t)got;
        answer_all(sink, connection);
    }
    write_out(server, connection);
}

static int listen_on(const Options *options) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, options->host, &address.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024))
        die("listen");
    return fd;
}

static void admit(Load *server, int listener) {
    int one = 1, fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    Connection *connection = calloc(1, sizeof *connection);
    connection->fd = fd;
    reserve(&connection->in, READ_SIZE);
    watch(server, connection, EPOLLIN, EPOLL_CTL_ADD);
}

static void run_sink(const Options *options) {
    Load server = {.options = options, .epoll = epoll_create1(0)};
    Sink sink = {.options = options};
    Connection listener = {.fd = listen_on(options)};
    struct epoll_event events[256];
    build_records(&sink);
    watch(&server, &listener, EPOLLIN, EPOLL_CTL_ADD);
    for (;;) {
        int ready = epoll_wait(server.epoll, events, 256, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.ptr == &listener)
                admit(&server, listener.fd);
            else
                serve(&server, &sink, events[i].data.ptr);
    }
}

#endif
