/*
 * masked_area.h - the part of a picture around what a mask covers, drawn at a size of its own ("only
 * masked").
 *
 * As AUTOMATIC1111's modules/masking.py and images.resize_image, and diffusers' VaeImageProcessor, compute
 * it.
 */
#ifndef MASKED_AREA_H
#define MASKED_AREA_H

#include <stdbool.h>

#include <latentd/image.h>

struct image_area {
    int x, y, width, height; /* pixels */
};

/* What is not black of a grey mask, with so many pixels around it, widened as far as the mask goes to the
 * shape of width x height; all of it, when it is black. */
struct image_area masked_area_find(const struct ltd_image *mask, int padding, int width, int height);

/* The area of a picture at width x height: it keeps its shape, and what is missing is filled with its edges.
 * Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status masked_area_cut(const struct ltd_image *image, struct image_area area, int width,
                                             int height, struct ltd_image **out, struct ltd_error *err);

/* Puts a picture into the area of base: it keeps its shape, and what is too much is cut off.  Errors:
 * LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status masked_area_put(struct ltd_image *base, struct image_area area,
                                             const struct ltd_image *picture, struct ltd_error *err);

#endif
