#include "store/job_request.h"

#include <stdlib.h>
#include <string.h>

struct job_request *job_request_new(void)
{
    struct job_request *request = calloc(1, sizeof *request);

    if (request)
        atomic_init(&request->references, 1);
    return request;
}

struct job_request *job_request_ref(struct job_request *request)
{
    atomic_fetch_add(&request->references, 1);
    return request;
}

void job_request_unref(struct job_request *request)
{
    if (!request || atomic_fetch_sub(&request->references, 1) != 1)
        return;
    for (size_t i = 0; i < request->warning_count; i++) {
        free(request->warnings[i].field);
        free(request->warnings[i].message);
    }
    ltd_image_free(request->image);
    free(request->prompt);
    free(request->negative_prompt);
    free(request);
}

bool job_request_warn(struct job_request *request, const char *field, const char *message)
{
    struct job_warning warning;

    if (request->warning_count == JOB_MAX_WARNINGS)
        return false;
    warning.field = strdup(field);
    warning.message = strdup(message);
    if (!warning.field || !warning.message) {
        free(warning.field);
        free(warning.message);
        return false;
    }
    request->warnings[request->warning_count++] = warning;
    return true;
}

void job_request_drop_pixels(struct job_request *request)
{
    if (!request->image)
        return;
    free(request->image->pixels);
    request->image->pixels = NULL;
}

size_t job_request_bytes(const struct job_request *request)
{
    size_t bytes = sizeof *request;

    bytes += request->prompt ? strlen(request->prompt) : 0;
    bytes += request->negative_prompt ? strlen(request->negative_prompt) : 0;
    if (request->image && request->image->pixels)
        bytes += (size_t)request->image->width * (size_t)request->image->height * 3;
    return bytes;
}
