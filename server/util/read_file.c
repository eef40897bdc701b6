#include "util/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads up to size bytes to data; the number read, or -1 with errno set. */
static ssize_t read_all(int fd, char *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        const ssize_t got = read(fd, data + done, size - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

const char *read_file(const char *path, size_t max_bytes, void **data, size_t *size)
{
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *wrong = NULL;
    char *bytes = NULL;
    struct stat st;
    ssize_t got = 0;

    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0)
        wrong = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        wrong = "not a regular file";
    else if ((uintmax_t)st.st_size > max_bytes)
        wrong = "too large";
    else if (!(bytes = malloc((size_t)st.st_size + 1)))
        wrong = "no memory";
    else if ((got = read_all(fd, bytes, (size_t)st.st_size)) < 0)
        wrong = strerror(errno);
    close(fd);
    if (wrong) {
        free(bytes);
        return wrong;
    }
    *data = bytes;
    *size = (size_t)got;
    return NULL;
}
