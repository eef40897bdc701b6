#include "api/picture_texts.h"

#include <stdlib.h>
#include <string.h>

#include "api/request_encode.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

/* For this picture alone; its strings and pictures are lent. */
static struct ltd_json *encode_one(const struct job_request *request, const char *model, int index)
{
    struct named_model named = {.name = (char *)(uintptr_t)model};
    const struct model_set models = {.items = &named, .count = 1};
    struct job_request one = {
        .params = request->params, .form = request->form, .outpaint = request->outpaint, .metadata = true};

    one.params.seed = ltd_params_seed(&request->params, index);
    one.params.subseed = ltd_params_subseed(&request->params, index);
    one.params.count = 1;
    return request_encode(&one, &models);
}

static char *print_record(const struct job_request *request, struct ltd_model_label label, int index)
{
    struct ltd_json *json = ltd_json_new_object(), *model = ltd_json_new_object();
    char *text;

    add_text(json, "version", LATENTD_VERSION);
    add_text(model, "name", label.name);
    if (label.sha256)
        add_text(model, "sha256", label.sha256);
    ltd_json_add(json, "model", model);
    ltd_json_add(json, "request", encode_one(request, label.name, index));
    text = ltd_json_print(json, false);
    ltd_json_free(json);
    return text;
}

enum ltd_status picture_texts_make(const struct job_request *request, const struct ltd_model *model,
                                   struct ltd_model_label label, int index, struct picture_texts *out,
                                   struct ltd_error *err)
{
    *out = (struct picture_texts){ltd_params_text(model, &request->params, index, &request->form, label),
                                  print_record(request, label, index)};
    if (out->settings && out->record)
        return LTD_OK;
    free(out->settings);
    free(out->record);
    *out = (struct picture_texts){0};
    return ltd_fail(err, LTD_ENOMEM, "no memory for the picture's texts");
}

enum ltd_status picture_file_make(const struct ltd_image *image, const struct ltd_gen_params *params,
                                  const struct ltd_picture_form *form, const struct ltd_model *model,
                                  struct ltd_model_label label, int index, struct ltd_bytes *out,
                                  struct ltd_error *err)
{
    const struct job_request request = {.params = *params, .form = *form};
    struct picture_texts texts;
    enum ltd_status st = picture_texts_make(&request, model, label, index, &texts, err);

    if (st == LTD_OK)
        st = ltd_picture_encode(image, form, texts.settings, texts.record, out, err);
    free(texts.settings);
    free(texts.record);
    return st;
}

enum ltd_status picture_texts_check(const struct ltd_gen_params *params, const struct ltd_picture_form *form,
                                    const struct ltd_model *model, const char *model_name,
                                    struct ltd_error *err)
{
    /* As long as the digest that will stand there. */
    const struct ltd_model_label label = {model_name, "0000000000"};
    char *settings = ltd_params_text(model, params, params->count - 1, form, label);
    enum ltd_status st;
    int width, height;

    if (!settings)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the picture's texts");
    ltd_params_final_size(model, params, &width, &height);
    st = ltd_picture_check(form->format, width, height, settings, err);
    free(settings);
    return st;
}

struct ltd_json *picture_record_request(const char *record)
{
    struct ltd_json *json = NULL, *request = NULL;
    const struct ltd_json *found;

    if (ltd_json_parse(record, strlen(record), &ltd_json_request_limits, &json, NULL) != LTD_OK)
        return NULL;
    found = ltd_json_get(json, "request");
    if (ltd_json_type(found) == LTD_JSON_OBJECT)
        request = ltd_json_copy(found);
    ltd_json_free(json);
    return request;
}
