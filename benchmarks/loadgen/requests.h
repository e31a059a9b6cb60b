/* Request frames, byte for byte as the Java client 4.5.2 lays them out.
 *
 * A frame is built once as a template; each send copies it and writes the digits that change (opaque, time of birth, queue
 * id, unique key) over fields of fixed width, so the generator costs little more than the copy. Invariant: every stamped
 * frame is a whole, valid frame whose length never changes.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "options.h"

enum { OPAQUE_WIDTH = 7, BORN_WIDTH = 13, UNIQ_WIDTH = 16, TOPIC_WIDTH = 3, QUEUE_WIDTHS = 4 };
enum { MAX_BATCH = 1024, MAX_TOPICS = 1000, MAX_QUEUES = 10000 };
enum { FIRST_OPAQUE = 1000000, OPAQUES = 8000000 };

typedef struct {
    Buffer bytes;
    size_t opaque_at, born_at, queue_at, topic_at; /* topic_at 0: there is one topic */
    size_t body_at;
    int queue_width;
    size_t uniq_at[MAX_BATCH]; /* the low digits of each message's UNIQ_KEY */
    int uniq_count;
    size_t lot_at[2]; /* its digit in tag and property; 0: messages have no lot */
    long lot_every;   /* a lot goes on for so many messages: one to each queue */
} Template;

/* The frame's two length fields, once its header and body are in place. */
static void close_frame(Buffer *frame, size_t header_end) {
    char *at = frame->at + frame->start;
    size_t size = frame->end - frame->start;
    put_u32(at, (uint32_t)(size - 4));
    put_u32(at + 4, (uint32_t)(header_end - frame->start - 8)); /* the top byte 0 says JSON */
}

static size_t append_blank(Buffer *buffer, int width) {
    static const char zeros[] = "00000000000000000000000000000000";
    size_t at = buffer->end;
    append(buffer, zeros, (size_t)width);
    return at;
}

/* Properties as a Java HashMap orders them; `control` tells how the two separators are spelt (raw, or escaped in JSON). */
static void append_properties(Template *into, const char *key_ends, const char *value_ends) {
    char text[128];
    snprintf(text, sizeof text, "UNIQ_KEY%sAC1104050B1C18B4", key_ends);
    append_text(&into->bytes, text);
    into->uniq_at[into->uniq_count++] = append_blank(&into->bytes, UNIQ_WIDTH);
    snprintf(text, sizeof text, "%sWAIT%strue%sTAGS%s", value_ends, key_ends, value_ends, key_ends);
    append_text(&into->bytes, text);
    if (!into->lot_every) {
        append_text(&into->bytes, "TagA");
    } else {
        append_text(&into->bytes, "Lot");
        into->lot_at[0] = append_blank(&into->bytes, 1);
        snprintf(text, sizeof text, "%slot%s", value_ends, key_ends);
        append_text(&into->bytes, text);
        into->lot_at[1] = append_blank(&into->bytes, 1);
    }
    append_text(&into->bytes, value_ends);
}

static void append_body(Buffer *buffer, long size) {
    reserve(buffer, (size_t)size);
    for (long i = 0; i < size; i++)
        buffer->at[buffer->end++] = "hello baby"[i % 10];
}

/* One message of a batch: sizes, flag, body, properties (i32 total, magic 0, crc 0, flag 0, i32 body, i16 properties). */
static void append_batched(Template *into, long size) {
    Buffer *bytes = &into->bytes;
    size_t start = bytes->end;
    append(bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    append_body(bytes, size);
    size_t properties = bytes->end;
    append(bytes, "\0\0", 2);
    append_properties(into, "\1", "\2");
    put_u32(bytes->at + start, (uint32_t)(bytes->end - start));
    put_u32(bytes->at + start + 16, (uint32_t)size);
    size_t properties_size = bytes->end - properties - 2;
    bytes->at[properties] = (char)(properties_size >> 8);
    bytes->at[properties + 1] = (char)properties_size;
}

static void append_tail(Template *into) {
    append_text(&into->bytes, "},\"flag\":0,\"language\":\"JAVA\",\"opaque\":");
    into->opaque_at = append_blank(&into->bytes, OPAQUE_WIDTH);
    append_text(&into->bytes, ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":317}");
}

static void append_topic(Template *into, const Options *options) {
    append_text(&into->bytes, options->topic);
    if (options->topics > 1)
        into->topic_at = append_blank(&into->bytes, TOPIC_WIDTH);
}

static int is_transacting(const Options *options) { return !strcmp(options->mode, "transact"); }

/* SEND_MESSAGE_V2 (310) with one message, or SEND_BATCH_MESSAGE (320) with options->batch of them, to a queue whose
 * number has `queue_width` digits. */
static Template send_template(const Options *options, int batch, int queue_width) {
    Template made = {.queue_width = queue_width, .lot_every = options->lots && !batch ? options->queues : 0};
    Buffer *bytes = &made.bytes;
    char text[512];
    append_blank(bytes, 8);
    snprintf(text, sizeof text, "{\"code\":%d,\"extFields\":{\"a\":\"%s\",\"b\":\"", batch ? 320 : 310, options->group);
    append_text(bytes, text);
    append_topic(&made, options);
    append_text(bytes, "\",\"c\":\"TBW102\",\"d\":\"4\",\"e\":\"");
    made.queue_at = append_blank(bytes, queue_width);
    append_text(bytes, is_transacting(options) ? "\",\"f\":\"4\",\"g\":\"" : "\",\"f\":\"0\",\"g\":\"");
    made.born_at = append_blank(bytes, BORN_WIDTH);
    append_text(bytes, "\",\"h\":\"0\",\"i\":\"");
    if (batch)
        append_text(bytes, "WAIT\\u0001true\\u0002"); /* a MessageBatch has no key of its own */
    else
        append_properties(&made, "\\u0001", "\\u0002");
    if (is_transacting(options)) {
        snprintf(text, sizeof text, "TRAN_MSG\\u0001true\\u0002PGROUP\\u0001%s\\u0002", options->group);
        append_text(bytes, text);
    }
    if (options->delay && !batch) {
        snprintf(text, sizeof text, "DELAY\\u0001%ld\\u0002", options->delay);
        append_text(bytes, text);
    }
    append_text(bytes, batch ? "\",\"j\":\"0\",\"k\":\"false\",\"m\":\"true\"" : "\",\"j\":\"0\",\"k\":\"false\",\"m\":\"false\"");
    append_tail(&made);
    size_t header_end = made.body_at = bytes->end;
    for (long i = 0; i < (batch ? options->batch : 0); i++)
        append_batched(&made, options->size);
    if (!batch)
        append_body(bytes, options->size);
    close_frame(bytes, header_end);
    return made;
}

/* Copies the template behind `out`, made this request's own; `key` counts messages, so no two ever share a UNIQ_KEY. */
static void append_send(Buffer *out, const Template *from, uint32_t opaque, int topic, int queue, uint64_t born_ms,
                        uint64_t *key) {
    size_t size = from->bytes.end;
    reserve(out, size);
    char *frame = out->at + out->end;
    memcpy(frame, from->bytes.at, size);
    put_digits(frame + from->opaque_at, OPAQUE_WIDTH, opaque);
    put_digits(frame + from->born_at, BORN_WIDTH, born_ms);
    put_digits(frame + from->queue_at, from->queue_width, (uint64_t)queue);
    if (from->topic_at)
        put_digits(frame + from->topic_at, TOPIC_WIDTH, (uint64_t)topic);
    for (int i = 0; i < 2 && from->lot_every; i++)
        put_digits(frame + from->lot_at[i], 1, *key / (uint64_t)from->lot_every);
    for (int i = 0; i < from->uniq_count; i++)
        put_hex(frame + from->uniq_at[i], UNIQ_WIDTH, (*key)++);
    out->end += size;
}

static inline int digits_of(int number) { return number < 10 ? 1 : 1 + digits_of(number / 10); }

static inline int has_filter(const Options *options, const char *filter) { return !strcmp(options->filter, filter); }

enum { COMMIT_OFFSET = 1, MAY_SUSPEND = 2, HAS_SUBSCRIPTION = 4 };

/* PULL_MESSAGE (11) with leave to suspend and with its subscription attached, but for an expression: a push consumer leaves
 * that to its heartbeat. Fields stand in the order of the client's HashMap. */
static void append_pull(Buffer *out, const Options *options, uint32_t opaque, int queue, int64_t offset) {
    char frame[1024];
    int sql = has_filter(options, "sql");
    int flags = MAY_SUSPEND | (sql ? 0 : HAS_SUBSCRIPTION) | (options->commit && offset ? COMMIT_OFFSET : 0);
    int size = snprintf(
        frame + 8, sizeof frame - 8,
        "{\"code\":11,\"extFields\":{\"queueId\":\"%d\",\"maxMsgNums\":\"%ld\",\"sysFlag\":\"%d\","
        "\"suspendTimeoutMillis\":\"15000\",\"commitOffset\":\"%lld\",\"topic\":\"%s\",\"queueOffset\":\"%lld\","
        "\"expressionType\":\"%s\",\"subscription\":\"%s\",\"subVersion\":\"1565000000123\",\"consumerGroup\":\"%s\"},"
        "\"flag\":0,\"language\":\"JAVA\",\"opaque\":%u,\"serializeTypeCurrentRPC\":\"JSON\",\"version\":317}",
        queue, options->max_nums, flags, options->commit ? (long long)offset : 0LL, options->topic, (long long)offset,
        sql ? "SQL92" : "TAG", has_filter(options, "tag") ? "Lot9" : "*", options->group, opaque);
    put_u32(frame, (uint32_t)(size + 4));
    put_u32(frame + 4, (uint32_t)size);
    append(out, frame, (size_t)size + 8);
}

#endif
