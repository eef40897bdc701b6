/*
 * error.h - how the engine and the server say that something did not work.
 *
 * A function that can fail returns an enum ltd_status and takes, as its last argument, a caller-owned
 * struct ltd_error that it fills on failure (NULL: the caller does not want the text).  Out-parameters
 * are untouched on failure.  The struct is plain data: it may be copied, kept, and handed to another
 * thread, so a job carries its own error.
 */
#ifndef LATENTD_ERROR_H
#define LATENTD_ERROR_H

#define LTD_MUST_USE __attribute__((warn_unused_result))

enum ltd_status {
    LTD_OK = 0,
#define STATUS(id, name, meaning) id,
#include <latentd/status.def>
#undef STATUS
};

struct ltd_error {
    enum ltd_status status;
    char message[512]; /* one line, UTF-8, says what to change where a user can change it */
};

/* Fills err (if not NULL) from a printf format and returns status, so that a caller can write
 * `return ltd_fail(err, LTD_EFORMAT, "...")`.  The message is cut at a UTF-8 boundary. */
enum ltd_status ltd_fail(struct ltd_error *err, enum ltd_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The stable short name of a status ("bad_request"), as it stands in JSON errors; static storage. */
const char *ltd_status_name(enum ltd_status status);

#endif
