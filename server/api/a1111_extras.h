/*
 * a1111_extras.h - what AUTOMATIC1111 does to pictures without a model: it makes them larger, and reads what
 * they were made with.
 *
 * All take a parsed body, and give the answer, which the caller frees, or NULL: *refusal says why, or, when
 * its status is 0, there is no memory.  For the desk: pictures are decoded.
 */
#ifndef A1111_EXTRAS_H
#define A1111_EXTRAS_H

#include <stddef.h>

#include <latentd/json.h>

#include "api/a1111_options.h"
#include "api/a1111_refusal.h"

struct a1111_extras_limits {
    size_t max_pixels, max_count; /* pixels of a picture, before and after; pictures of a batch */
};

/* {"html_info", "image"} of "image", or with batch {"html_info", "images"} of "imageList".  note is called
 * for fields that there are not. */
struct ltd_json *a1111_extras_run(const struct ltd_json *document, bool batch,
                                  const struct a1111_extras_limits *limits, a1111_note_fn *note, void *arg,
                                  struct a1111_refusal *refusal);

/* {"info", "items", "parameters"} of "image": the text that its maker left in it, its other texts, and the
 * first one taken apart. */
struct ltd_json *a1111_png_info(const struct ltd_json *document, struct a1111_refusal *refusal);

/* The list for GET upscalers; NULL without memory. */
struct ltd_json *a1111_upscalers_encode(void);

#endif
