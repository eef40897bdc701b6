#include "api/request_pictures.h"

#include <stdio.h>

#include "api/control_list.h"
#include "api/request_image.h"
#include "api/request_outpaint.h"

/* The mask is that of what is laid around the picture, and no other. */
static void take_outpaint(struct request_pictures *p)
{
    const struct field_value *v = p->values;
    struct job_request *request = p->request;
    const struct outpaint sides = {v[FIELD_OUTPAINT_LEFT].integer, v[FIELD_OUTPAINT_RIGHT].integer,
                                   v[FIELD_OUTPAINT_TOP].integer, v[FIELD_OUTPAINT_BOTTOM].integer};
    struct ltd_error error;

    if (!v[FIELD_OUTPAINT].present || v[FIELD_OUTPAINT_LEFT].wrong || v[FIELD_OUTPAINT_RIGHT].wrong ||
        v[FIELD_OUTPAINT_TOP].wrong || v[FIELD_OUTPAINT_BOTTOM].wrong)
        return;
    if (v[FIELD_MASK].present) {
        field_wrong(p->values, FIELD_OUTPAINT, p->problem, "makes the mask itself; leave it or mask out");
    } else if (request_outpaint(&request->image, &request->mask, &sides,
                                (size_t)p->context->limits.max_pixels, &error) == LTD_OK) {
        request->outpaint = sides;
    } else {
        p->no_memory |= error.status == LTD_ENOMEM;
        field_wrong(p->values, FIELD_OUTPAINT, p->problem, "%s", error.message);
    }
}

static void take_image(struct request_pictures *p)
{
    struct ltd_gen_params *params = &p->request->params;
    const int factor = ltd_model_info(p->model)->vae_factor;
    struct ltd_image *image = NULL;
    struct ltd_error error;

    if (!p->values[FIELD_IMAGE].present)
        return;
    if (request_image_decode(p->values[FIELD_IMAGE].text, (size_t)p->context->limits.max_pixels, &image,
                             &error) != LTD_OK) {
        p->no_memory |= error.status == LTD_ENOMEM;
        field_wrong(p->values, FIELD_IMAGE, p->problem, "%s", error.message);
        return;
    }
    p->request->image = image;
    take_outpaint(p);
    image = p->request->image;
    if (!params->inpaint_full_res)
        request_image_size(image, factor, p->values[FIELD_WIDTH].present, p->values[FIELD_HEIGHT].present,
                           params);
}

static void take_mask(struct request_pictures *p)
{
    const struct field_value *from = &p->values[FIELD_MASK_FROM];
    const enum ltd_mask_source source = from->present ? (enum ltd_mask_source)from->integer : LTD_MASK_WHITE;
    struct ltd_error error;

    if (!p->values[FIELD_MASK].present || from->wrong)
        return;
    if (request_mask_decode(p->values[FIELD_MASK].text, (size_t)p->context->limits.max_pixels, source,
                            &p->request->mask, &error) != LTD_OK) {
        p->no_memory |= error.status == LTD_ENOMEM;
        field_wrong(p->values, FIELD_MASK, p->problem, "%s", error.message);
    }
}

/* The list has been read once before, and was right. */
static void take_controls(struct request_pictures *p)
{
    const struct field_value *value = &p->values[FIELD_CONTROLS];
    const struct ltd_json *item = value->present ? ltd_json_first(value->list) : NULL;
    struct control_wrong wrong;
    struct ltd_control control;
    const char *image = NULL;
    char pointer[64];

    for (int i = 0; item; item = ltd_json_next(item), i++) {
        struct ltd_image *picture = NULL;
        struct ltd_error error;

        if (!control_read(item, &control, &image, &wrong))
            return;
        if (request_image_decode(image, (size_t)p->context->limits.max_pixels, &picture, &error) != LTD_OK) {
            p->no_memory |= error.status == LTD_ENOMEM;
            snprintf(pointer, sizeof pointer, "%s/%d/image", field_of(FIELD_CONTROLS)->pointer, i);
            problem_add(p->problem, pointer, error.message);
            p->values[FIELD_CONTROLS].wrong = true;
            return;
        }
        p->no_memory |= !job_request_add_control(p->request, &control, picture);
    }
}

void request_pictures_take(struct request_pictures *p)
{
    take_image(p);
    take_mask(p);
    take_controls(p);
}

static void fit(struct request_pictures *p, enum field_id id, struct ltd_image **image, int width, int height)
{
    char told[REQUEST_IMAGE_TOLD_SIZE];
    struct ltd_error error;

    if (request_image_fit(image, width, height, told, &error) != LTD_OK) {
        p->no_memory |= error.status == LTD_ENOMEM;
        field_wrong(p->values, id, p->problem, "%s", error.message);
    } else if (told[0]) {
        p->no_memory |= !job_request_warn(p->request, field_of(id)->name, told);
    }
}

void request_pictures_fit(struct request_pictures *p)
{
    struct job_request *request = p->request;
    struct ltd_gen_params *params = &request->params;

    if (!request->image)
        return;
    if (!params->inpaint_full_res)
        fit(p, FIELD_IMAGE, &request->image, params->width, params->height);
    if (request->mask)
        fit(p, FIELD_MASK, &request->mask, request->image->width, request->image->height);
    params->init_image = request->image;
    params->mask = request->mask;
}
