/* Latencies in nanoseconds, kept to within 1/128 of their value in buckets of fixed memory.
 *
 * As in HdrHistogram: values below 256 stand for themselves; above, each power of two is cut into 128 steps. Invariant: the
 * buckets cover every uint64_t, and bucket_floor(bucket_of(v)) <= v.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum { STEP_BITS = 7, STEPS = 1 << STEP_BITS, BUCKETS = (64 - STEP_BITS + 1) * STEPS };

typedef struct {
    uint64_t buckets[BUCKETS];
    uint64_t count, total, max;
} Histogram;

static inline int bucket_of(uint64_t value) {
    if (value < 2 * STEPS)
        return (int)value;
    int shift = 63 - __builtin_clzll(value) - STEP_BITS;
    return shift * STEPS + (int)(value >> shift);
}

static inline uint64_t bucket_floor(int bucket) {
    if (bucket < 2 * STEPS)
        return (uint64_t)bucket;
    int shift = bucket / STEPS - 1;
    return (uint64_t)(bucket - shift * STEPS) << shift;
}

static inline void record_value(Histogram *histogram, uint64_t value) {
    histogram->buckets[bucket_of(value)]++;
    histogram->count++;
    histogram->total += value;
    if (value > histogram->max)
        histogram->max = value;
}

/* The smallest recorded bucket that `share` (0..1) of all values do not exceed. */
static uint64_t percentile(const Histogram *histogram, double share) {
    uint64_t rank = (uint64_t)(share * (double)histogram->count + 0.999999);
    uint64_t seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= rank && seen)
            return bucket_floor(bucket);
    }
    return histogram->max;
}

#endif
