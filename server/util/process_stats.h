/*
 * process_stats.h - what the system knows about this process (proc(5)).
 */
#ifndef PROCESS_STATS_H
#define PROCESS_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct process_stats {
    double cpu_s;      /* user and system time of all threads */
    double started_s;  /* since 1970 */
    uint64_t resident; /* bytes */
    uint64_t virtual;  /* bytes */
    int open_fds, max_fds, threads;
};

/* False when /proc is not there. */
bool process_stats_read(struct process_stats *out);

#endif
