/* Transactions: a half message, and when it is stored, its commit, which waits for an answer as well.
 *
 * The Java client sends commits one-way; here each is answered, so that a transaction counts when all of its work is done
 * and a broker cannot leave commits behind. Invariant: a commit names the offsets of the half message's own answer.
 */
#ifndef TRANSACT_H
#define TRANSACT_H

#include "replies.h"
#include "requests.h"

enum { MESSAGE_ID_HOST = 16, MESSAGE_ID_OFFSET = 16 }; /* hex digits of an id: address and port, then the log's offset */

/* Commit log offset of the message that was stored; -1 without one. */
static int64_t stored_at(const Reply *reply) {
    const char *end = reply->header + reply->header_size;
    const char *at = behind_key(reply->header, end, "\"msgId\":");
    if (!has_message_id(reply, 1))
        return -1;
    return (int64_t)get_hex(at + 1 + MESSAGE_ID_HOST, MESSAGE_ID_OFFSET);
}

/* END_TRANSACTION (37) that commits; fields in the order of the client's HashMap. */
static void append_commit(Buffer *out, const Options *options, uint32_t opaque, int64_t log_offset, int64_t queue_offset) {
    char frame[1024];
    int size = snprintf(
        frame + 8, sizeof frame - 8,
        "{\"code\":37,\"extFields\":{\"fromTransactionCheck\":\"false\",\"producerGroup\":\"%s\","
        "\"tranStateTableOffset\":\"%lld\",\"commitLogOffset\":\"%lld\",\"commitOrRollback\":\"8\","
        "\"msgId\":\"AC1104050B1C18B40000000000000000\"},"
        "\"flag\":0,\"language\":\"JAVA\",\"opaque\":%u,\"serializeTypeCurrentRPC\":\"JSON\",\"version\":317}",
        options->group, (long long)queue_offset, (long long)log_offset, opaque);
    put_u32(frame, (uint32_t)(size + 4));
    put_u32(frame + 4, (uint32_t)size);
    append(out, frame, (size_t)size + 8);
}

#endif
