#include "pipeline/inpaint.h"

#include <stdlib.h>

#include "image/image_resize.h"
#include "image/masked_image.h"

void inpaint_free(struct inpaint *inpaint)
{
    if (!inpaint)
        return;
    ltd_image_free(inpaint->image);
    ltd_image_free(inpaint->mask);
    free(inpaint->kept);
    ltd_image_free(inpaint->paste);
    free(inpaint);
}

/* The white of the mask, blurred. */
static enum ltd_status read_mask(const struct ltd_gen_params *params, struct ltd_image **mask,
                                 struct ltd_error *err)
{
    const enum ltd_status st = image_copy(params->mask, mask, err);

    if (st != LTD_OK)
        return st;
    mask_from_image(*mask, params->mask_invert);
    return mask_blur(*mask, params->mask_blur, err);
}

/* diffusers takes the nearest pixel of the mask, AUTOMATIC1111 a cubic mean; both round it to all or nothing.
 */
static enum ltd_status keep(struct inpaint *inpaint, const struct ltd_gen_params *params, int factor,
                            struct ltd_error *err)
{
    const struct ltd_image *mask = inpaint->mask;
    const size_t width = (size_t)(mask->width / factor), height = (size_t)(mask->height / factor);
    const bool nearest = params->profile == LTD_PROFILE_DIFFUSERS;
    struct ltd_image *small = NULL;
    enum ltd_status st = LTD_OK;

    inpaint->kept = malloc(width * height);
    if (!inpaint->kept)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a mask");
    if (!nearest)
        st = image_resize(mask, (int)width, (int)height, RESAMPLE_CUBIC, &small, err);
    for (size_t i = 0; i < width * height && st == LTD_OK; i++) {
        const size_t pixel = (i / width * (size_t)mask->width + i % width) * (size_t)factor;

        inpaint->kept[i] = (nearest ? mask->pixels[3 * pixel] : small->pixels[3 * i]) < 128;
    }
    ltd_image_free(small);
    return st;
}

/* All of the picture is drawn; its own part is laid back by AUTOMATIC1111 alone. */
static enum ltd_status take_whole(struct inpaint *inpaint, const struct ltd_gen_params *params,
                                  const struct ltd_image *mask, struct ltd_error *err)
{
    enum ltd_status st = image_copy(params->init_image, &inpaint->image, err);

    if (st == LTD_OK)
        st = image_copy(mask, &inpaint->mask, err);
    if (st == LTD_OK && params->profile == LTD_PROFILE_A1111) {
        st = image_copy(mask, &inpaint->paste, err);
        if (st == LTD_OK)
            mask_strengthen(inpaint->paste);
    }
    return st;
}

static enum ltd_status take_area(struct inpaint *inpaint, const struct ltd_gen_params *params,
                                 const struct ltd_image *mask, struct ltd_error *err)
{
    const int width = params->width, height = params->height;
    enum ltd_status st = image_copy(mask, &inpaint->paste, err);

    inpaint->area = masked_area_find(mask, params->inpaint_full_res_padding, width, height);
    if (st == LTD_OK)
        st = masked_area_cut(params->init_image, inpaint->area, width, height, &inpaint->image, err);
    if (st == LTD_OK)
        st = masked_area_cut(mask, inpaint->area, width, height, &inpaint->mask, err);
    return st;
}

enum ltd_status inpaint_new(const struct ltd_gen_params *params, int factor, struct inpaint **out,
                            struct ltd_error *err)
{
    struct inpaint *inpaint = calloc(1, sizeof *inpaint);
    struct ltd_image *mask = NULL;
    enum ltd_status st;

    if (!inpaint)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a mask");
    st = read_mask(params, &mask, err);
    if (st == LTD_OK)
        st = (params->inpaint_full_res ? take_area : take_whole)(inpaint, params, mask, err);
    if (st == LTD_OK)
        st = keep(inpaint, params, factor, err);
    if (st == LTD_OK && params->masked_content != LTD_MASKED_ORIGINAL)
        st = masked_image_fill(inpaint->image, inpaint->mask, err);
    ltd_image_free(mask);
    if (st == LTD_OK)
        *out = inpaint;
    else
        inpaint_free(inpaint);
    return st;
}

enum ltd_status inpaint_finish(const struct inpaint *inpaint, const struct ltd_gen_params *params,
                               struct ltd_image **picture, struct ltd_error *err)
{
    const struct ltd_image *original = params->init_image;
    struct ltd_image *whole = NULL;
    enum ltd_status st = LTD_OK;

    if (params->inpaint_full_res) {
        st = ltd_image_new(original->width, original->height, &whole, err);
        if (st == LTD_OK)
            st = masked_area_put(whole, inpaint->area, *picture, err);
    }
    if (st == LTD_OK && inpaint->paste)
        masked_image_overlay(whole ? whole : *picture, original, inpaint->paste);
    if (st == LTD_OK && whole) {
        ltd_image_free(*picture);
        *picture = whole;
    } else {
        ltd_image_free(whole);
    }
    return st;
}
