/* Answers, read as far as they must be to know that they are right: code, opaque, and what the request was for.
 *
 * Keys are found by comparing eight bytes at a time. Invariant: an answer counts as good only when its code is 0 and it
 * carries a message id (sends), or whole records of the queue and offsets that were asked for (pulls).
 */
#ifndef REPLIES_H
#define REPLIES_H

#include "bytes.h"

enum { RECORD_MAGIC = 0xDAA320A7, RECORD_FIXED = 91 };

typedef struct {
    const char *header, *body;
    uint32_t header_size, body_size;
    long code;       /* -1: not an answer that we can read */
    uint32_t opaque;
} Reply;

/* The first place behind the eight bytes of `key`, or NULL. */
static inline const char *behind_key(const char *at, const char *end, const char key[8]) {
    uint64_t wanted, seen;
    memcpy(&wanted, key, 8);
    for (; at + 8 <= end; at++) {
        memcpy(&seen, at, 8);
        if (seen == wanted)
            return at + 8;
    }
    return NULL;
}

/* The same from the end: opaque stands near it, behind ext fields of any length. */
static inline const char *behind_last_key(const char *start, const char *end, const char key[8]) {
    uint64_t wanted, seen;
    memcpy(&wanted, key, 8);
    for (const char *at = end - 8; at >= start; at--) {
        memcpy(&seen, at, 8);
        if (seen == wanted)
            return at + 8;
    }
    return NULL;
}

/* The number that follows, behind `:` and the quote of an ext field; -1 without one. */
static inline int64_t number_after(const char *at, const char *end) {
    while (at && at < end && (*at == ':' || *at == '"'))
        at++;
    if (!at || at == end || *at < '0' || *at > '9')
        return -1;
    int64_t value = 0;
    while (at < end && *at >= '0' && *at <= '9')
        value = value * 10 + (*at++ - '0');
    return value;
}

static inline int64_t ext_number(const Reply *reply, const char head[8], const char *rest) {
    const char *end = reply->header + reply->header_size;
    const char *at = behind_key(reply->header, end, head);
    size_t size = strlen(rest);
    if (!at || (size_t)(end - at) < size || memcmp(at, rest, size))
        return -1;
    return number_after(at + size, end);
}

/* Reads one frame. Returns its whole length, 0 when bytes are missing, -1 when it is none. */
static int64_t read_reply(const char *at, size_t size, Reply *out) {
    if (size < 8)
        return 0;
    uint32_t length = get_u32(at);
    if (length < 4 || length > (64u << 20))
        return -1;
    if (size < (size_t)length + 4)
        return 0;
    uint32_t header_size = get_u32(at + 4); /* JSON only: another type byte makes this too large */
    if (header_size > length - 4)
        return -1;
    const char *end = at + 8 + header_size;
    *out = (Reply){at + 8, end, header_size, length - 4 - header_size, -1, 0};
    if (header_size > 8 && !memcmp(at + 8, "{\"code\":", 8)) /* members are sorted, so it is the first */
        out->code = number_after(at + 16, end);
    out->opaque = (uint32_t)number_after(behind_last_key(at + 8, end, "\"opaque\""), end);
    return (int64_t)length + 4;
}

/* Whether a send was answered with a message id (32 digits; a batch has one of them for each message). */
static inline int has_message_id(const Reply *reply, long messages) {
    const char *end = reply->header + reply->header_size;
    const char *at = behind_key(reply->header, end, "\"msgId\":");
    if (!at || end - at < 33 * messages + 1)
        return 0;
    return at[0] == '"' && at[33 * messages] == '"';
}

/* How many whole records of `queue` follow one another from `offset` on, `gaps` between them or not; -1 when one of them is
 * anything else. */
static int check_records(const Reply *reply, int queue, int64_t offset, int gaps) {
    const char *at = reply->body, *end = at + reply->body_size;
    int count = 0;
    while (at < end) {
        if (end - at < RECORD_FIXED)
            return -1;
        uint32_t size = get_u32(at);
        if (size < RECORD_FIXED || size > (size_t)(end - at) || get_u32(at + 4) != RECORD_MAGIC)
            return -1;
        int64_t found = (int64_t)get_u64(at + 20);
        if (get_u32(at + 12) != (uint32_t)queue || found < offset || (found > offset && !gaps))
            return -1;
        offset = found + 1;
        at += size;
        count++;
    }
    return count;
}

#endif
