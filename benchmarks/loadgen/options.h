/* What the command line asks for: one table names every option, and every option has a value that runs. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "bytes.h"

typedef struct {
    const char *host, *mode, *topic, *group, *filter;
    long port, size, connections, outstanding, queues, batch, max_nums;
    long warm, count, duration_ms, timeout_ms, pid, commit, topics, rate, delay, lots;
} Options;

static Options default_options(void) {
    return (Options){
        .host = "127.0.0.1", .mode = "send", .topic = "Bench", .group = "bench_group", .filter = "none",
        .port = 10911, .size = 1024, .connections = 8, .outstanding = 16, .queues = 4, .batch = 32, .max_nums = 32,
        .warm = 0, .count = 100000, .duration_ms = 60000, .timeout_ms = 10000, .pid = 0, .commit = 0,
        .topics = 1, .rate = 0, .delay = 0, .lots = 0,
    };
}

typedef struct {
    const char *name, *help;
    const char **text;
    long *number;
} Option;

static const char USAGE[] =
    "usage: loadgen [--selftest] [--mode send|batch|pull|follow|transact|sink] [--OPTION VALUE]...\n"
    "Speaks to a RocketMQ broker as the Java client does, and prints what it measured as one JSON line.\n\n";

/* Sets what the arguments name. Returns the first one that is wrong, or NULL. */
static const char *parse_options(Options *options, int argc, char **argv) {
    const Option table[] = {
        {"--host", "IPv4 address of the broker", &options->host, NULL},
        {"--port", "its port", NULL, &options->port},
        {"--mode", "send, batch, pull, follow (send at --rate to a consumer that waits), transact (half messages and\n"
                   "                 their commits), or sink (answer as a broker that does nothing)", &options->mode, NULL},
        {"--topic", "topic; one send creates it with its 4 queues", &options->topic, NULL},
        {"--group", "producer or consumer group", &options->group, NULL},
        {"--size", "bytes of a message body", NULL, &options->size},
        {"--connections", "TCP connections", NULL, &options->connections},
        {"--outstanding", "requests kept in flight on each connection", NULL, &options->outstanding},
        {"--queues", "queues written or read in turn, at most 10000", NULL, &options->queues},
        {"--topics", "topics written in turn, named with three digits behind --topic; at most 1000", NULL, &options->topics},
        {"--batch", "messages of one batch", NULL, &options->batch},
        {"--max-nums", "messages asked for by one pull", NULL, &options->max_nums},
        {"--commit", "1: each pull commits its offset, as a push consumer's does", NULL, &options->commit},
        {"--rate", "requests due a second, each timed from when it was due; 0: whenever one is answered", NULL,
         &options->rate},
        {"--delay", "delay level of the messages of --mode send, 0: none", NULL, &options->delay},
        {"--lots", "1: messages of --mode send have a lot of 0 to 9 in turn, a property, and in their tag", NULL, &options->lots},
        {"--filter", "what a pull wants: none, tag (lot 9 by its tag), sql (what its group has subscribed to)",
         &options->filter, NULL},
        {"--warm", "messages before the measured ones", NULL, &options->warm},
        {"--count", "measured messages", NULL, &options->count},
        {"--duration-ms", "end sooner after this time", NULL, &options->duration_ms},
        {"--timeout-ms", "fail when no answer comes for this time", NULL, &options->timeout_ms},
        {"--pid", "the broker's process, whose CPU time is read when measuring begins and ends", NULL, &options->pid},
    };
    const int rows = (int)(sizeof table / sizeof *table);
    for (int i = 1; i < argc; i += 2) {
        int row = 0;
        while (row < rows && strcmp(argv[i], table[row].name))
            row++;
        if (row == rows || i + 1 == argc) {
            fputs(USAGE, stderr);
            for (row = 0; row < rows; row++)
                fprintf(stderr, "  %-14s %s\n", table[row].name, table[row].help);
            return argv[i];
        }
        if (table[row].text)
            *table[row].text = argv[i + 1];
        else
            *table[row].number = atol(argv[i + 1]);
    }
    return NULL;
}

#endif
