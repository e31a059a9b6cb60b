/* What must hold before a figure may be believed: percentiles, frames and the checks of answers. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "sink.h"

static int failures;

static void expect(int holds, const char *what) {
    if (!holds)
        fprintf(stderr, "loadgen selftest: not so: %s\n", what);
    failures += !holds;
}

static void test_buckets_cover_every_value(void) {
    for (int shift = 0; shift < 64; shift++)
        for (int64_t near = -1; near <= 1; near++) {
            uint64_t value = ((uint64_t)1 << shift) + (uint64_t)near;
            int bucket = bucket_of(value);
            uint64_t floor = bucket_floor(bucket);
            expect(bucket >= 0 && bucket < BUCKETS, "a bucket lies inside the table");
            expect(floor <= value && value - floor <= value / STEPS, "a bucket is within 1/128 of its values");
            expect(bucket_of(floor) == bucket, "a bucket's floor lies in it");
        }
}

static void test_percentiles(void) {
    Histogram *histogram = calloc(1, sizeof *histogram);
    for (uint64_t value = 1; value <= 200; value++)
        record_value(histogram, value);
    expect(percentile(histogram, 0.5) == 100, "the median of 1..200 is 100");
    expect(percentile(histogram, 0.99) == 198, "p99 of 1..200 is 198");
    expect(percentile(histogram, 0.999) == 200, "p99.9 of 1..200 is 200");
    record_value(histogram, 1000000);
    expect(histogram->max == 1000000 && percentile(histogram, 1.0) >= 992248, "the largest value is kept");
    free(histogram);
}

static void test_send_frame(const Options *options) {
    Template template = send_template(options, 0, 1);
    Buffer out = {0};
    uint64_t key = 7;
    append_send(&out, &template, 1234567, 0, 3, 1565000000123, &key);
    append_send(&out, &template, 1234568, 0, 0, 1565000000123, &key);
    Reply read;
    int64_t size = read_reply(out.at, out.end, &read);
    expect(size == (int64_t)template.bytes.end && out.end == 2 * (size_t)size, "the length field covers the frame");
    expect(read.code == 310 && read.opaque == 1234567, "code and opaque of a send");
    expect(read.body_size == (uint32_t)options->size, "the body has the size asked for");
    expect(memmem(read.header, read.header_size, "\"e\":\"3\"", 7) != NULL, "the queue id is stamped");
    expect(memmem(read.header, read.header_size, "\"g\":\"1565000000123\"", 19) != NULL, "the birth is stamped");
    expect(memmem(read.header, read.header_size, "0000000000000007\\u0002WAIT", 26) != NULL, "the key is stamped");
    expect(memmem(out.at + size, (size_t)size, "0000000000000008\\u0002WAIT", 26) != NULL, "each message has its own key");
}

static void test_topics_and_wide_queue_ids(Options options) {
    options.topics = 50;
    Template template = send_template(&options, 0, digits_of(987));
    Buffer out = {0};
    uint64_t key = 0;
    Reply read;
    append_send(&out, &template, 1234567, 7, 987, 1565000000123, &key);
    expect(read_reply(out.at, out.end, &read) == (int64_t)out.end && read.code == 310, "a send to one of many is one frame");
    expect(memmem(read.header, read.header_size, "\"b\":\"Bench007\"", 14) != NULL, "the topic is stamped");
    expect(memmem(read.header, read.header_size, "\"e\":\"987\"", 9) != NULL, "a queue id of three digits is stamped");
    expect(digits_of(0) == 1 && digits_of(9) == 1 && digits_of(10) == 2 && digits_of(9999) == 4, "digits are counted");
}

/* Sent now, a request is late by what has gone since it was due; not before it is due. */
static void test_paced_requests_fall_due(void) {
    Pace pace = start_pace(1000, 5000000);
    expect(is_due(&pace, 5000000) && !is_due(&pace, 4999999), "the first request is due at once");
    expect(take_due(&pace) == 5000000 && !is_due(&pace, 5999999) && is_due(&pace, 6000000), "the next a period later");
    expect(take_due(&pace) == 6000000, "a request that is sent late keeps the time when it was due");
    expect(wait_for(&pace, 7000000).tv_nsec == 0 && wait_for(&pace, 6100000).tv_nsec == 900000, "one sleeps at most until the next is due");
}

static void test_a_record_tells_when_its_message_was_due(const Options *options) {
    Template template = send_template(options, 0, 1);
    Buffer out = {0};
    uint64_t key = 7;
    append_send(&out, &template, 1234567, 0, 3, 1565000000123, &key);
    stamp_due(&out, &template, 0x0123456789ABCDEF);
    Reply read;
    expect(read_reply(out.at, out.end, &read) == (int64_t)out.end, "a stamped send is a frame");
    expect(get_hex(read.body, DUE_WIDTH) == 0x0123456789ABCDEF, "the stamp begins the body");
}

static void test_a_transaction(Options options) {
    options.mode = "transact";
    Template template = send_template(&options, 0, 1);
    Buffer out = {0};
    uint64_t key = 0;
    Reply read;
    append_send(&out, &template, 1234567, 0, 3, 1565000000123, &key);
    expect(read_reply(out.at, out.end, &read) == (int64_t)out.end && read.code == 310, "a half message is one frame");
    expect(memmem(read.header, read.header_size, "TRAN_MSG\\u0001true\\u0002PGROUP\\u0001bench_group", 47) != NULL,
           "it says that it is one, and whose");
    out.start = out.end = 0;
    append_commit(&out, &options, 1234568, 81985529216486895, 42);
    expect(read_reply(out.at, out.end, &read) == (int64_t)out.end && read.code == 37, "a commit is one frame of code 37");
    expect(memmem(read.header, read.header_size, "\"commitLogOffset\":\"81985529216486895\"", 37) != NULL,
           "it names the half message's place");
    out.start = out.end = 0;
    answer_send(&out, 1000042, 1);
    expect(read_reply(out.at, out.end, &read) > 0 && stored_at(&read) == 0, "the place is read out of the message id");
}

static void test_a_delayed_send(Options options) {
    options.delay = 3;
    Template template = send_template(&options, 0, 1);
    expect(memmem(template.bytes.at, template.bytes.end, "\\u0002DELAY\\u00013\\u0002", 21) != NULL, "the level is a property");
}

static int header_has(const Buffer *frame, const char *text) {
    return memmem(frame->at, frame->end, text, strlen(text)) != NULL;
}

static void test_lots_and_filters(Options options) {
    options.lots = 1;
    Template template = send_template(&options, 0, 1);
    Buffer out = {0};
    uint64_t key = 4 * (uint64_t)options.queues;
    append_send(&out, &template, 1234567, 0, 3, 1565000000123, &key);
    expect(header_has(&out, "TAGS\\u0001Lot4\\u0002lot\\u00014\\u0002\""), "a lot stands in tag and property");
    out.end = 0;
    options.filter = "tag";
    append_pull(&out, &options, 1000043, 2, 64);
    expect(header_has(&out, "\"sysFlag\":\"6\"") && header_has(&out, "\"TAG\",\"subscription\":\"Lot9\""), "a pull by tag");
    out.end = 0;
    options.filter = "sql";
    append_pull(&out, &options, 1000043, 2, 64);
    expect(header_has(&out, "\"sysFlag\":\"2\"") && header_has(&out, "\"expressionType\":\"SQL92\""), "a pull by expression");
}

static void test_batch_frame(const Options *options) {
    Template template = send_template(options, 1, 1);
    Buffer out = {0};
    uint64_t key = 0;
    append_send(&out, &template, 1000000, 0, 1, 1565000000123, &key);
    Reply read;
    expect(read_reply(out.at, out.end, &read) == (int64_t)out.end && read.code == 320, "a batch is one frame of code 320");
    long count = 0;
    const char *at = read.body;
    for (; at + 22 < read.body + read.body_size; at += get_u32(at), count++)
        expect(get_u32(at + 16) == (uint32_t)options->size, "a batched message has the size asked for");
    expect(at == read.body + read.body_size && count == options->batch, "the batch's messages fill its body");
    expect(key == (uint64_t)options->batch, "each batched message has its own key");
}

static void test_answers(const Options *options) {
    Buffer out = {0};
    Reply read;
    answer_send(&out, 1000042, 2);
    for (size_t size = 0; size < out.end; size++)
        expect(read_reply(out.at, size, &read) == 0, "half a frame is no frame");
    expect(read_reply(out.at, out.end, &read) > 0 && read.code == 0 && read.opaque == 1000042, "an answer's code and opaque");
    expect(has_message_id(&read, 2) && !has_message_id(&read, 1) && !has_message_id(&read, 3), "message ids are counted");

    Sink sink = {.options = options};
    Reply request;
    build_records(&sink);
    out.start = out.end = 0;
    append_pull(&out, options, 1000043, 2, 64);
    expect(read_reply(out.at, out.end, &request) == (int64_t)out.end && request.code == 11, "a pull is one frame");
    Buffer records = {0};
    answer_pull(&sink, &records, &request);
    expect(read_reply(records.at, records.end, &read) == (int64_t)records.end, "a pull's answer is one frame");
    expect(check_records(&read, 2, 64, 0) == options->max_nums, "records are counted");
    expect(check_records(&read, 2, 65, 0) == -1 && check_records(&read, 1, 64, 0) == -1, "other records are found out");
    expect(check_records(&read, 2, 60, 0) == -1 && check_records(&read, 2, 60, 1) == options->max_nums, "gaps are told");
    expect(check_records(&read, 2, 65, 1) == -1, "a record before the one asked for is found out");
    records.at[records.end - sink.record_size + 5] ^= 1;
    expect(check_records(&read, 2, 64, 0) == -1, "a wrong magic is found out");
}

static int run_selftest(const Options *options) {
    test_buckets_cover_every_value();
    test_percentiles();
    test_send_frame(options);
    test_topics_and_wide_queue_ids(*options);
    test_paced_requests_fall_due();
    test_a_record_tells_when_its_message_was_due(options);
    test_a_delayed_send(*options);
    test_lots_and_filters(*options);
    test_a_transaction(*options);
    test_batch_frame(options);
    test_answers(options);
    printf("loadgen selftest: %s\n", failures ? "failed" : "passed");
    return failures != 0;
}

#endif
