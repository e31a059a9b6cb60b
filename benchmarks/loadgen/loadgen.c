/* Load generator: speaks to a broker as the Java client does, and measures what comes back.
 *
 * One thread, so that beside a broker under test it takes one core at most; figures go to stdout as one JSON line.
 */
#define _GNU_SOURCE
#include "selftest.h"

static int has_mode(const Options *options, const char *mode) { return !strcmp(options->mode, mode); }

static int in_range(const Options *options) {
    return options->batch <= MAX_BATCH && options->queues >= 1 && options->queues <= MAX_QUEUES && options->topics >= 1 &&
           options->topics <= MAX_TOPICS && options->rate >= 0 && options->outstanding >= 1 && options->connections >= 1 &&
           (options->topics == 1 || !has_mode(options, "pull")) &&
           (has_filter(options, "none") || has_filter(options, "tag") || has_filter(options, "sql")) &&
           (!has_mode(options, "follow") || is_followable(options));
}

int main(int argc, char **argv) {
    Options options = default_options();
    if (argc == 2 && !strcmp(argv[1], "--selftest"))
        return run_selftest(&options);
    const char *wrong = parse_options(&options, argc, argv);
    int known = has_mode(&options, "send") || has_mode(&options, "batch") || has_mode(&options, "pull") ||
                has_mode(&options, "follow") || has_mode(&options, "transact") || has_mode(&options, "sink");
    if (wrong || !known || !in_range(&options)) {
        fprintf(stderr, "loadgen: cannot do: %s\n",
                wrong ? wrong : "mode, filter, batch, queues, topics, rate, size, outstanding or connections");
        return 2;
    }
    if (has_mode(&options, "sink"))
        run_sink(&options);
    return has_mode(&options, "follow") ? run_follow(&options) : run_load(&options);
}
