/*
 * a1111_extras.h - what AUTOMATIC1111 does to pictures without a model: it makes them larger, and reads what
 * they were made with.
 *
 * What decodes takes a parsed body and gives NULL where that is refused: *refusal says why, or, when its
 * status is 0, there is no memory.  Answers are freed by the caller; NULL without memory.  For the desk:
 * pictures are decoded.
 */
#ifndef A1111_EXTRAS_H
#define A1111_EXTRAS_H

#include "api/a1111_refusal.h"
#include "api/request_decode.h"
#include "store/job.h"

/* The request for the picture "image", or with batch for those of "imageList"; owned by the caller.  Its
 * warnings name fields that there are not. */
struct job_request *a1111_extras_decode(const struct ltd_json *document, bool batch,
                                        const struct request_context *context, struct a1111_refusal *refusal);

/* Whether a network has a part in it, so that it is for the queue. */
bool a1111_extras_is_long(const struct job_request *request, const struct ltd_upscalers *upscalers);

/* {"html_info", "image"}, or with batch {"html_info", "images"}: of a request without a network, made at
 * once. */
struct ltd_json *a1111_extras_run(const struct job_request *request, bool batch,
                                  const struct ltd_upscalers *upscalers);
/* The same of a job that has succeeded. */
struct ltd_json *a1111_extras_encode(const struct job_record *job, bool batch);

/* {"info", "items", "parameters"} of "image": the text that its maker left in it, its other texts, and the
 * first one taken apart. */
struct ltd_json *a1111_png_info(const struct ltd_json *document, struct a1111_refusal *refusal);

/* The list for GET upscalers; NULL without memory. */
struct ltd_json *a1111_upscalers_encode(const struct ltd_upscalers *upscalers);

#endif
