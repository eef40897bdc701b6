/*
 * request_image.h - a picture inside a request.
 */
#ifndef REQUEST_IMAGE_H
#define REQUEST_IMAGE_H

#include <stddef.h>

#include <latentd/image.h>

/* Decodes base64, or a data URL, of a PNG of at most max_pixels.  The caller frees *out.  Errors, with a
 * message for the client: LTD_EINVAL not base64, LTD_EUNSUPPORTED a URL, or another format, LTD_EFORMAT,
 * LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status request_image_decode(const char *text, size_t max_pixels, struct ltd_image **out,
                                                  struct ltd_error *err);

#endif
