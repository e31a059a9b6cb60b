/* Big-endian numbers and growing byte buffers; nothing here knows what the bytes mean. */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    char *at;
    size_t start, end, capacity; /* the bytes in use are at[start..end) */
} Buffer;

static inline uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline uint64_t wall_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_nsec / 1000000u;
}

static inline uint32_t get_u32(const char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return __builtin_bswap32(value);
}

static inline uint64_t get_u64(const char *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return __builtin_bswap64(value);
}

static inline void put_u32(char *at, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(at, &value, 4);
}

static inline void put_u64(char *at, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(at, &value, 8);
}

static inline void put_digits(char *at, int width, uint64_t value) {
    while (width--) {
        at[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

static inline void put_hex(char *at, int width, uint64_t value) {
    while (width--) {
        at[width] = "0123456789ABCDEF"[value & 15];
        value >>= 4;
    }
}

static inline uint64_t get_hex(const char *at, int width) {
    uint64_t value = 0;
    for (; width--; at++)
        value = value << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'A' + 10);
    return value;
}

static inline void die(const char *what) {
    perror(what);
    exit(1);
}

/* Room for `size` more bytes behind `end`; bytes already sent or parsed make way first. */
static void reserve(Buffer *buffer, size_t size) {
    if (buffer->capacity - buffer->end >= size)
        return;
    size_t held = buffer->end - buffer->start;
    if (held)
        memmove(buffer->at, buffer->at + buffer->start, held);
    buffer->start = 0;
    buffer->end = held;
    if (buffer->capacity - held >= size)
        return;
    while (buffer->capacity - held < size)
        buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 65536;
    buffer->at = realloc(buffer->at, buffer->capacity);
    if (!buffer->at)
        die("out of memory");
}

static inline void append(Buffer *buffer, const void *bytes, size_t size) {
    reserve(buffer, size);
    memcpy(buffer->at + buffer->end, bytes, size);
    buffer->end += size;
}

static inline void append_text(Buffer *buffer, const char *text) { append(buffer, text, strlen(text)); }

#endif
