#include "pipeline/control_maps.h"

#include <math.h>

#include "image/canny.h"
#include "image/image_place.h"
#include "image/image_resize.h"

struct size {
    int width, height;
};

static struct size scaled_size(const struct ltd_gen_params *params, const struct ltd_control *control)
{
    const double width = control->image->width, height = control->image->height;
    const double across = params->width / width, down = params->height / height;
    const double factor = control->fit == LTD_CONTROL_CROP ? fmax(across, down) : fmin(across, down);

    if (control->fit == LTD_CONTROL_STRETCH)
        return (struct size){params->width, params->height};
    return (struct size){(int)fmax(rint(width * factor), 1), (int)fmax(rint(height * factor), 1)};
}

/* Resized before its edges are looked for, which are one pixel wide then, and cut or filled up behind that:
 * the border of what is filled in is no edge. */
static enum ltd_status make_map(const struct ltd_gen_params *params, const struct ltd_control *control,
                                struct ltd_image **out, struct ltd_error *err)
{
    const struct ltd_image *image = control->image;
    const struct size size = scaled_size(params, control);
    struct ltd_image *steps[3] = {NULL};
    int made = 0;
    enum ltd_status st = image->width == size.width && image->height == size.height
                             ? image_copy(image, &steps[made++], err)
                             : ltd_image_resize(image, size.width, size.height, &steps[made++], err);

    if (st == LTD_OK && control->preprocessor == LTD_PREPROCESSOR_CANNY) {
        st = canny_edges(steps[made - 1], control->low_threshold, control->high_threshold, &steps[made], err);
        made++;
    }
    if (st == LTD_OK && (size.width != params->width || size.height != params->height)) {
        st = image_place(steps[made - 1], params->width, params->height, &steps[made], err);
        made++;
    }
    for (int i = 0; i + 1 < made; i++)
        ltd_image_free(steps[i]);
    *out = steps[made - 1];
    return st;
}

enum ltd_status control_maps_make(const struct ltd_gen_params *params, struct ltd_image **out,
                                  struct ltd_error *err)
{
    enum ltd_status st = LTD_OK;

    for (int i = 0; i < params->control_count && st == LTD_OK; i++)
        st = make_map(params, &params->controls[i], &out[i], err);
    return st;
}

void control_maps_free(struct ltd_image **maps)
{
    for (size_t i = 0; i < LTD_MAX_CONTROLS; i++) {
        ltd_image_free(maps[i]);
        maps[i] = NULL;
    }
}

unsigned control_maps_active(const struct ltd_gen_params *params, int evaluation, int evaluations)
{
    unsigned active = 0;

    for (int i = 0; i < params->control_count; i++) {
        const struct ltd_control *c = &params->controls[i];

        if (c->weight != 0 && (double)evaluation / evaluations >= c->start &&
            (double)(evaluation + 1) / evaluations <= c->end)
            active |= 1u << i;
    }
    return active;
}
