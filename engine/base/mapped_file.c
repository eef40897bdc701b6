#include "base/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum ltd_status mapped_file_open(struct mapped_file *file, const char *path, struct ltd_error *err)
{
    enum ltd_status status = LTD_OK;
    struct mapped_file opened = {0};
    struct stat st;
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return ltd_fail(err, errno == ENOENT || errno == ENOTDIR ? LTD_ENOTFOUND : LTD_EIO, "%s: %s", path,
                        strerror(errno));
    if (fstat(fd, &st) != 0) {
        status = ltd_fail(err, LTD_EIO, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        status = ltd_fail(err, LTD_EFORMAT, "%s: not a regular file", path);
    } else if (st.st_size > 0) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (map == MAP_FAILED)
            status = ltd_fail(err, LTD_EIO, "%s: cannot map it: %s", path, strerror(errno));
        else
            opened = (struct mapped_file){.data = map, .size = (size_t)st.st_size};
    }
    close(fd);
    if (status == LTD_OK)
        *file = opened;
    return status;
}

void mapped_file_close(struct mapped_file *file)
{
    if (file->data)
        munmap((void *)(uintptr_t)file->data, file->size);
    *file = (struct mapped_file){0};
}

void mapped_file_give_back(const void *data, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = ((uintptr_t)data + bytes) / page * page;
    const uintptr_t first = ((uintptr_t)data + page - 1) / page * page;

    /* An advice: where it cannot be taken, the pages stay. */
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED);
}
