/*
 * masked_image.h - what is done to pixels before and after a part of a picture is drawn anew.
 *
 * A mask is a grey picture: 0 is kept, 255 drawn anew, and what lies between is mixed.
 */
#ifndef MASKED_IMAGE_H
#define MASKED_IMAGE_H

#include <stdbool.h>

#include <latentd/image.h>

/* Makes a picture grey in place as PIL does (ITU-R 601-2), and its opposite if that is asked for. */
void mask_from_image(struct ltd_image *mask, bool invert);

/* Blurs a mask as AUTOMATIC1111 does, by so many pixels; 0: not at all.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status mask_blur(struct ltd_image *mask, int pixels, struct ltd_error *err);

/* Twice as white, where there was any: what AUTOMATIC1111 pastes by. */
void mask_strengthen(struct ltd_image *mask);

/* Paints over what the mask covers with what lies around it, ever finer (AUTOMATIC1111's masked content
 * "fill").  The mask has the image's size.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status masked_image_fill(struct ltd_image *image, const struct ltd_image *mask,
                                               struct ltd_error *err);

/* Lays what the mask keeps of the original over image; all three have one size. */
void masked_image_overlay(struct ltd_image *image, const struct ltd_image *original,
                          const struct ltd_image *mask);

#endif
