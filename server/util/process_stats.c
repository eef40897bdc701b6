#include "util/process_stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* When the system came up, in seconds since 1970. */
static bool read_boot_time(double *seconds)
{
    FILE *file = fopen("/proc/stat", "re");
    char line[256];
    bool found = false;

    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "btime %lf", seconds) == 1;
    if (file)
        fclose(file);
    return found;
}

static int count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -1; /* the folder's own */

    if (!folder)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

bool process_stats_read(struct process_stats *out)
{
    const double ticks = (double)sysconf(_SC_CLK_TCK);
    FILE *file = fopen("/proc/self/stat", "re");
    char text[1024];
    const char *fields;
    unsigned long long user, system, start, virtual;
    long long pages;
    double boot;
    struct rlimit limit = {0};

    if (!file)
        return false;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    fields = strrchr(text, ')'); /* the program's name may have anything in it */
    if (!fields || !read_boot_time(&boot) ||
        sscanf(
            fields,
            ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %d %*d %llu %llu %lld",
            &user, &system, &out->threads, &start, &virtual, &pages) != 6)
        return false;
    out->cpu_s = (double)(user + system) / ticks;
    out->started_s = boot + (double)start / ticks;
    out->virtual = virtual;
    out->resident = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    out->open_fds = count_fds();
    getrlimit(RLIMIT_NOFILE, &limit);
    out->max_fds = (int)limit.rlim_cur;
    return true;
}
