#include "api/openai_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/image.h>

#include "util/base64.h"
#include "util/clock.h"

static void add_text(struct ltd_json *object, const char *key, const char *text)
{
    ltd_json_add(object, key, ltd_json_new_string(text));
}

static void add_integer(struct ltd_json *object, const char *key, int64_t number)
{
    ltd_json_add(object, key, ltd_json_new_number((double)number));
}

static void add_base64(struct ltd_json *object, const char *key, const void *data, size_t size)
{
    char *text = base64_encode_new(data, size);

    ltd_json_add(object, key, text ? ltd_json_new_string(text) : NULL);
    free(text);
}

/* A word to branch on, for those who do not look at the status. */
static const char *type_of(int status)
{
    if (status == 401)
        return "authentication_error";
    if (status == 429)
        return "rate_limit_error";
    return status >= 500 ? "server_error" : "invalid_request_error";
}

/* "size: ...; steps: ...", cut where it gets too long.  What width and height have in common is said once. */
static void tell_errors(const struct problem *problem, char *out, size_t size)
{
    const struct ltd_json *error = ltd_json_first(problem->errors);
    char last[512] = "", told[512];
    size_t used = 0;

    for (; error && used < size; error = ltd_json_next(error)) {
        const char *pointer = ltd_json_string(ltd_json_get(error, "pointer"));
        const char *detail = ltd_json_string(ltd_json_get(error, "detail"));

        if (!pointer || !detail)
            continue;
        snprintf(told, sizeof told, "%s: %s", pointer + (*pointer == '/'), detail);
        if (strcmp(told, last) != 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "; " : "", told);
        memcpy(last, told, sizeof last);
    }
}

struct ltd_json *openai_error_encode(const struct problem *problem)
{
    const char *pointer = ltd_json_string(ltd_json_get(ltd_json_first(problem->errors), "pointer"));
    struct ltd_json *json = ltd_json_new_object(), *error = ltd_json_new_object();
    char message[4096];

    snprintf(message, sizeof message, "%s", problem->detail);
    tell_errors(problem, message, sizeof message);
    add_text(error, "message", message);
    add_text(error, "type", type_of(problem->status));
    ltd_json_add(error, "param",
                 pointer && *pointer ? ltd_json_new_string(pointer + (*pointer == '/'))
                                     : ltd_json_new_null());
    add_text(error, "code", problem->code);
    ltd_json_add(json, "error", error);
    return json;
}

/* What is said of the picture beside the picture. */
static void add_form(struct ltd_json *json, const struct job_record *job, const struct openai_answer *answer)
{
    const struct ltd_gen_params *p = &job->request->params;
    char size[32];

    snprintf(size, sizeof size, "%dx%d", p->width, p->height);
    add_text(json, "background", "opaque");
    add_text(json, "output_format", ltd_picture_format_name(job->request->form.format));
    add_text(json, "quality", openai_quality_name(answer->quality));
    add_text(json, "size", size);
}

/* Nobody is billed here, so that no tokens are counted. */
static void add_usage(struct ltd_json *json)
{
    struct ltd_json *usage = ltd_json_new_object(), *input = ltd_json_new_object();

    add_integer(input, "text_tokens", 0);
    add_integer(input, "image_tokens", 0);
    add_integer(usage, "input_tokens", 0);
    ltd_json_add(usage, "input_tokens_details", input);
    add_integer(usage, "output_tokens", 0);
    add_integer(usage, "total_tokens", 0);
    ltd_json_add(json, "usage", usage);
}

struct ltd_json *openai_images_encode(const struct job_record *job, const struct openai_answer *answer,
                                      const char *base)
{
    struct ltd_json *json = ltd_json_new_object(), *data = ltd_json_new_array();
    char url[512];

    add_integer(json, "created", job->created_ms / 1000);
    for (int i = 0; i < job->result.image_count; i++) {
        const struct blob *png = job->result.images[i].file;
        struct ltd_json *image = ltd_json_new_object();

        if (answer->urls) {
            snprintf(url, sizeof url, "%s/api/v1/jobs/%s/images/%d", base, job->id, i);
            add_text(image, "url", url);
        } else {
            add_base64(image, "b64_json", blob_data(png), blob_size(png));
        }
        ltd_json_append(data, image);
    }
    ltd_json_add(json, "data", data);
    add_form(json, job, answer);
    add_usage(json);
    return json;
}

const char *openai_partial_name(enum openai_route route)
{
    return route == OPENAI_GENERATIONS ? "image_generation.partial_image" : "image_edit.partial_image";
}

const char *openai_completed_name(enum openai_route route)
{
    return route == OPENAI_GENERATIONS ? "image_generation.completed" : "image_edit.completed";
}

static struct ltd_json *new_event(const char *name, const struct job_record *job,
                                  const struct openai_answer *answer)
{
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "type", name);
    add_integer(json, "created_at", clock_unix_ms() / 1000);
    add_form(json, job, answer);
    return json;
}

/* The picture in the size of the job's pictures, as a file of their format.  False: no memory, or no picture.
 */
static bool enlarge(const struct blob *png, const struct job_request *request, struct ltd_bytes *out)
{
    const struct ltd_gen_params *p = &request->params;
    struct ltd_image *small = NULL, *large = NULL;
    struct ltd_error error;
    const bool done = ltd_png_decode(blob_data(png), blob_size(png), (size_t)p->width * (size_t)p->height,
                                     &small, &error) == LTD_OK &&
                      ltd_image_resize(small, p->width, p->height, &large, &error) == LTD_OK &&
                      ltd_picture_encode(large, &request->form, NULL, NULL, out, &error) == LTD_OK;

    ltd_image_free(small);
    ltd_image_free(large);
    return done;
}

struct ltd_json *openai_partial_encode(const struct job_record *job, const struct openai_answer *answer,
                                       const struct blob *png, int index)
{
    struct ltd_json *json = new_event(openai_partial_name(answer->route), job, answer);
    struct ltd_bytes bytes;

    if (!enlarge(png, job->request, &bytes)) {
        ltd_json_free(json);
        return NULL;
    }
    add_integer(json, "partial_image_index", index);
    add_base64(json, "b64_json", bytes.data, bytes.size);
    free(bytes.data);
    return json;
}

struct ltd_json *openai_completed_encode(const struct job_record *job, const struct openai_answer *answer,
                                         int image)
{
    const struct blob *png = job->result.images[image].file;
    struct ltd_json *json = new_event(openai_completed_name(answer->route), job, answer);

    add_base64(json, "b64_json", blob_data(png), blob_size(png));
    add_usage(json);
    return json;
}

struct ltd_json *openai_model_encode(const struct model_set *models, size_t index, int64_t created_s)
{
    struct ltd_json *json = ltd_json_new_object();

    add_text(json, "id", models->items[index].name);
    add_text(json, "object", "model");
    add_integer(json, "created", created_s);
    add_text(json, "owned_by", "latentd");
    ltd_json_add(json, "loaded", ltd_json_new_bool(model_set_is_loaded(models, index)));
    return json;
}

struct ltd_json *openai_models_encode(const struct model_set *models, int64_t created_s)
{
    struct ltd_json *json = ltd_json_new_object(), *data = ltd_json_new_array();

    add_text(json, "object", "list");
    for (size_t i = 0; i < models->count; i++)
        ltd_json_append(data, openai_model_encode(models, i, created_s));
    ltd_json_add(json, "data", data);
    return json;
}
