#include "util/process_stats.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "util/clock.h"

static void *sleep_until_told(void *arg)
{
    char byte;

    return read(*(const int *)arg, &byte, 1) < 0 ? arg : NULL;
}

TEST(memory_descriptors_threads_and_time_are_counted)
{
    enum { BYTES = 64 << 20 };
    struct process_stats before, after;
    struct rlimit limit;
    pthread_t thread;
    int ends[2];
    /* Not malloc's, which meson has fill what it gives. */
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const double now = (double)clock_unix_ms() / 1000;

    REQUIRE(memory != MAP_FAILED && pipe(ends) == 0);
    REQUIRE(process_stats_read(&before));
    REQUIRE(pthread_create(&thread, NULL, sleep_until_told, &ends[0]) == 0);
    for (size_t at = 0; at < BYTES; at += 4096)
        ((volatile char *)memory)[at] = 1;
    CHECK(fcntl(ends[0], F_DUPFD_CLOEXEC, 0) >= 0);
    for (volatile unsigned i = 0; i < 100000000u; i++)
        continue;
    REQUIRE(process_stats_read(&after));
    CHECK_INT(after.threads, before.threads + 1);
    CHECK_INT(after.open_fds, before.open_fds + 1);
    CHECK(after.resident >= before.resident + BYTES / 2);
    CHECK(after.virtual >= after.resident);
    CHECK(after.cpu_s > before.cpu_s && after.cpu_s < 60);
    CHECK(after.started_s <= now + 1 && after.started_s > now - 300);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && after.max_fds == (int)limit.rlim_cur);
    CHECK(write(ends[1], "x", 1) == 1);
    pthread_join(thread, NULL);
    munmap(memory, BYTES);
}
