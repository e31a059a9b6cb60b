/* The times at which requests of an open load fall due, whether or not earlier ones were answered.
 *
 * A request's latency begins when it was due: a broker that stalls is asked no less often, and all that waits shows the
 * stall. Invariant: the n-th request is due n periods after the first.
 */
#ifndef PACE_H
#define PACE_H

#include <stdint.h>
#include <time.h>

typedef struct {
    uint64_t due_ns, period_ns; /* period 0: not paced */
} Pace;

static inline Pace start_pace(long rate, uint64_t now) { return (Pace){now, 1000000000u / (uint64_t)rate}; }

static inline int is_due(const Pace *pace, uint64_t now) { return now >= pace->due_ns; }

/* When the request that is sent now was due; the next one is due a period after it. */
static inline uint64_t take_due(Pace *pace) {
    uint64_t due = pace->due_ns;
    pace->due_ns += pace->period_ns;
    return due;
}

/* How long one may sleep. */
static inline struct timespec wait_for(const Pace *pace, uint64_t now) {
    uint64_t ns = is_due(pace, now) ? 0 : pace->due_ns - now;
    return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

#endif
