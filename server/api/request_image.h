/*
 * request_image.h - the picture that img2img starts from, and the mask of what it keeps of it.
 */
#ifndef REQUEST_IMAGE_H
#define REQUEST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/params.h>

/* Decodes base64, or a data URL, to bytes that the caller frees.  Errors, with a message for the client:
 * LTD_EINVAL not base64, LTD_EUNSUPPORTED a URL, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status request_image_bytes(const char *text, uint8_t **out, size_t *size,
                                                 struct ltd_error *err);

/* Decodes base64, or a data URL, of a PNG of at most max_pixels.  The caller frees *out.  Errors, with a
 * message for the client: LTD_EINVAL not base64, LTD_EUNSUPPORTED a URL, or another format, LTD_EFORMAT,
 * LTD_ETOOBIG, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status request_image_decode(const char *text, size_t max_pixels, struct ltd_image **out,
                                                  struct ltd_error *err);

/* The same of a mask, in which white is drawn anew. */
LTD_MUST_USE enum ltd_status request_mask_decode(const char *text, size_t max_pixels,
                                                 enum ltd_mask_source source, struct ltd_image **out,
                                                 struct ltd_error *err);

/* The sides that were not asked for become the picture's, rounded down to what a model with this factor
 * draws.
 */
void request_image_size(const struct ltd_image *image, int factor, bool width_is_asked, bool height_is_asked,
                        struct ltd_gen_params *params);

enum { REQUEST_IMAGE_TOLD_SIZE = 160 };

/* Makes *image one of this size; told says that it was resized, or is "".  Errors: those of ltd_image_resize;
 * nothing has changed then. */
LTD_MUST_USE enum ltd_status request_image_fit(struct ltd_image **image, int width, int height,
                                               char told[REQUEST_IMAGE_TOLD_SIZE], struct ltd_error *err);

#endif
