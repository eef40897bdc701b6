/*
 * request_upscale.h - the fields of kind upscale: a picture that is made larger, and nothing drawn.
 */
#ifndef REQUEST_UPSCALE_H
#define REQUEST_UPSCALE_H

#include "api/request_decode.h"

/* Whether these fields ask for it: by kind, or without one by an upscaler that is not for a second pass. */
bool request_upscale_is(const struct field_value values[FIELD_ID_COUNT]);

/* Takes the picture, the upscaler and the scale of a request whose form and numerics are taken, and finds
 * what has no meaning beside them.  What is wrong goes to the problem, and marks its field.  false: no
 * memory. */
bool request_upscale_take(const struct request_context *context, struct field_value values[FIELD_ID_COUNT],
                          struct problem *problem, struct job_request *request);

/* Takes the upscaler of a second pass, whose sizes are taken, and finds whether it is within the limits.  The
 * rest as above. */
bool request_upscale_take_second_pass(const struct request_context *context,
                                      struct field_value values[FIELD_ID_COUNT], struct problem *problem,
                                      struct job_request *request);

/* Reads a picture of an upscale, with the settings that its maker left in it: *before, NULL where there are
 * none, which the caller frees.  Errors: those of request_image_decode. */
LTD_MUST_USE enum ltd_status request_upscale_read(const char *text, size_t max_pixels,
                                                  struct ltd_image **image, char **before,
                                                  struct ltd_error *err);

/* The same of a file's bytes.  Errors: ltd_image_decode's. */
LTD_MUST_USE enum ltd_status request_upscale_open(const uint8_t *bytes, size_t size, size_t max_pixels,
                                                  struct ltd_image **image, char **before,
                                                  struct ltd_error *err);

/* The scale where none is asked for: the network's own, or 2. */
double request_upscale_own_scale(const struct ltd_upscalers *upscalers, const char *name);

/* Whether all that it makes is within the server's limit.  Errors: ltd_upscale_check's; LTD_ETOOBIG. */
LTD_MUST_USE enum ltd_status request_upscale_check(const struct request_context *context,
                                                   const struct ltd_upscale_params *params,
                                                   struct ltd_error *err);

#endif
