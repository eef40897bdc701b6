#include "api/openai_request.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <latentd/model.h>

#include "util/edit_distance.h"

#define HIGH_FIDELITY_STRENGTH 0.5

static const struct openai_field *const rows = openai_fields;

static const char *const paths[] = {"/v1/images/generations", "/v1/images/edits", "/v1/images/variations"};

/* A field of the request at hand. */
struct value {
    const char *name;            /* by which it came; NULL: it did not */
    const struct ltd_json *json; /* NULL: it did not come, or it is wrong */
    struct ltd_json *parsed;     /* owned: a number that a form has as text */
    int word;                    /* WORD: which */
    int number;                  /* NUMBER with bounds of its own */
    bool truth;
    int width, height; /* SIZE; 0: the model's */
};

struct translation {
    const struct request_context *context;
    enum openai_route route;
    bool from_form, strict_model;
    struct value values[OPENAI_FIELD_COUNT];
    struct problem *problem;
    int status;       /* of the problem, when there is one */
    const char *code; /* of the first finding; NULL: there is none */
    const struct ltd_model *model;
    const char *unserved; /* the model's name that was asked for, when there is none of that name */
};

void openai_request_fini(struct openai_request *request)
{
    job_request_unref(request->job);
    *request = (struct openai_request){0};
}

/* A finding about what the request, or the table, calls `name`. */
static void find(struct translation *t, const char *code, const char *name, const char *detail)
{
    char pointer[FIELD_SHOWN_SIZE + 1], shown[FIELD_SHOWN_SIZE];

    snprintf(pointer, sizeof pointer, "/%s", field_shown(shown, name));
    problem_add(t->problem, pointer, detail);
    if (!t->code)
        t->code = code;
}

static void wrong(struct translation *t, enum openai_field_id id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void wrong(struct translation *t, enum openai_field_id id, const char *format, ...)
{
    char detail[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    find(t, "invalid_value", t->values[id].name ? t->values[id].name : rows[id].name, detail);
    t->values[id].json = NULL;
}

static void list_words(char *out, size_t size, const char *words)
{
    size_t used = 0;

    for (; *words && used + 3 < size; words++)
        if (*words != ' ')
            out[used++] = *words;
        else if (words[1])
            used += (size_t)snprintf(out + used, size - used, ", ");
    out[used] = '\0';
}

static void read_word(struct translation *t, enum openai_field_id id, const char *text)
{
    const struct openai_field *row = &rows[id];
    char all[120], shown[FIELD_SHOWN_SIZE];

    t->values[id].word = openai_word_index(row->words, text);
    if (t->values[id].word >= 0)
        return;
    list_words(all, sizeof all, row->words);
    if (row->fate == OPENAI_FATE_HONOURED && strchr(all, ','))
        wrong(t, id, "\"%s\" is not taken; send one of %s", field_shown(shown, text), all);
    else
        wrong(t, id, "\"%s\" is not taken (%s); send %s", field_shown(shown, text), row->about, all);
}

/* "512x768" or "auto". */
static void read_size(struct translation *t, enum openai_field_id id, const char *text)
{
    struct value *value = &t->values[id];
    const char *by = strchr(text, 'x');
    const size_t digits = strspn(text, "0123456789");
    char shown[FIELD_SHOWN_SIZE];

    if (strcmp(text, "auto") == 0)
        return;
    if (by && by == text + digits && digits >= 1 && digits <= 5 && strlen(by + 1) >= 1 &&
        strlen(by + 1) <= 5 && by[1 + strspn(by + 1, "0123456789")] == '\0') {
        value->width = atoi(text);
        value->height = atoi(by + 1);
    }
    if (value->width < 1 || value->height < 1) {
        value->width = value->height = 0;
        wrong(t, id, "\"%s\" is no size; send WIDTHxHEIGHT in pixels, as in 512x512, or auto",
              field_shown(shown, text));
    }
}

static void read_number(struct translation *t, enum openai_field_id id)
{
    const struct openai_field *row = &rows[id];
    struct value *value = &t->values[id];
    const char *text = ltd_json_string(value->json);
    struct ltd_error error;
    int64_t number;

    if (text && t->from_form && !text[strspn(text, "0123456789+-.eE")] &&
        ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &value->parsed, &error) == LTD_OK)
        value->json = value->parsed;
    if (ltd_json_type(value->json) != LTD_JSON_NUMBER) {
        wrong(t, id, "is %s; send a number, or leave the field out",
              text ? "a text" : ltd_json_type_name(ltd_json_type(value->json)));
    } else if (row->high > 0) {
        if (!ltd_json_int64(value->json, &number) || number < row->low || number > row->high)
            wrong(t, id, "send an integer from %d to %d", row->low, row->high);
        else
            value->number = (int)number;
    }
}

static void read_bool(struct translation *t, enum openai_field_id id)
{
    struct value *value = &t->values[id];
    const char *text = t->from_form ? ltd_json_string(value->json) : NULL;

    if (ltd_json_type(value->json) == LTD_JSON_BOOL)
        value->truth = ltd_json_bool(value->json);
    else if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        value->truth = text[0] == 't';
    else
        wrong(t, id, "send true or false");
}

static void read_value(struct translation *t, enum openai_field_id id)
{
    const struct openai_field *row = &rows[id];
    const char *text = ltd_json_string(t->values[id].json);

    if (row->fate == OPENAI_FATE_REFUSED) {
        find(t, "unsupported_parameter", t->values[id].name, row->about);
    } else if (row->shape == OPENAI_SHAPE_NUMBER) {
        read_number(t, id);
    } else if (row->shape == OPENAI_SHAPE_BOOL) {
        read_bool(t, id);
    } else if (!text) {
        wrong(t, id, "is %s; send a string, or leave the field out",
              ltd_json_type_name(ltd_json_type(t->values[id].json)));
    } else if (row->shape == OPENAI_SHAPE_WORD) {
        read_word(t, id, text);
    } else if (row->shape == OPENAI_SHAPE_SIZE) {
        read_size(t, id, text);
    }
}

static enum openai_field_id find_field(const char *name)
{
    int id = 0;

    while (id < OPENAI_FIELD_COUNT && strcmp(rows[id].name, name) != 0 &&
           openai_word_index(rows[id].also, name) < 0)
        id++;
    return (enum openai_field_id)id;
}

static void refuse_name(struct translation *t, enum openai_field_id id, const char *name)
{
    const char *near = NULL;
    char detail[160];

    if (id < OPENAI_FIELD_COUNT) {
        snprintf(detail, sizeof detail, "is not taken by %s; leave it out", paths[t->route]);
    } else {
        for (int i = 0; i < OPENAI_FIELD_COUNT && !near; i++)
            if ((rows[i].routes & 1U << t->route) && edit_distance_is_near(name, rows[i].name))
                near = rows[i].name;
        snprintf(detail, sizeof detail,
                 near ? "is not a field; did you mean %s?" : "is not a field; leave it out", near);
    }
    find(t, "unknown_parameter", name, detail);
}

/* null, or in a form nothing, where nothing means nothing. */
static bool is_left_out(const struct translation *t, enum openai_field_id id, const struct ltd_json *json)
{
    const char *text = ltd_json_string(json);

    return ltd_json_type(json) == LTD_JSON_NULL ||
           (t->from_form && text && !*text && id != OPENAI_FIELD_PROMPT &&
            id != OPENAI_FIELD_NEGATIVE_PROMPT);
}

static void read_members(struct translation *t, const struct ltd_json *document)
{
    for (const struct ltd_json *member = ltd_json_first(document); member; member = ltd_json_next(member)) {
        const char *name = ltd_json_key(member);
        const enum openai_field_id id = find_field(name);

        if (id == OPENAI_FIELD_COUNT || !(rows[id].routes & 1U << t->route)) {
            refuse_name(t, id, name);
        } else if (!is_left_out(t, id, member)) {
            if (t->values[id].name) {
                find(t, "invalid_value", name, "is said twice; send it once");
                continue;
            }
            t->values[id] = (struct value){.name = name, .json = member};
            read_value(t, id);
        }
    }
}

static void require(struct translation *t, enum openai_field_id id, const char *what)
{
    if ((rows[id].routes & 1U << t->route) && !t->values[id].name)
        find(t, "missing_required_parameter", rows[id].name, what);
}

static bool asks_for_png(const struct translation *t)
{
    const struct value *format = &t->values[OPENAI_FIELD_OUTPUT_FORMAT];

    return !format->json || format->word == LTD_PICTURE_PNG;
}

/* What fields mean to each other. */
static void check_together(struct translation *t)
{
    const struct value *v = t->values;

    require(t, OPENAI_FIELD_PROMPT, "is missing; send the text to draw (\"\" is valid)");
    require(t, OPENAI_FIELD_IMAGE, "is missing; send the picture to start from");
    /* The native decoder would say that it means nothing without. */
    if (!v[OPENAI_FIELD_IMAGE].json)
        t->values[OPENAI_FIELD_STRENGTH].json = t->values[OPENAI_FIELD_MASK].json = NULL;
    if (v[OPENAI_FIELD_OUTPUT_COMPRESSION].json && asks_for_png(t) &&
        v[OPENAI_FIELD_OUTPUT_COMPRESSION].number < LTD_PICTURE_MAX_QUALITY)
        wrong(t, OPENAI_FIELD_OUTPUT_COMPRESSION, "a PNG loses nothing; ask for jpeg or webp, or send %d",
              LTD_PICTURE_MAX_QUALITY);
    if (v[OPENAI_FIELD_PARTIAL_IMAGES].number > 0 && !v[OPENAI_FIELD_STREAM].truth)
        wrong(t, OPENAI_FIELD_PARTIAL_IMAGES, "come in a stream alone; send \"stream\": true with them");
    if (v[OPENAI_FIELD_STREAM].truth && v[OPENAI_FIELD_RESPONSE_FORMAT].json &&
        v[OPENAI_FIELD_RESPONSE_FORMAT].word == 1)
        wrong(t, OPENAI_FIELD_RESPONSE_FORMAT, "a stream carries the picture itself; send b64_json");
}

static void choose_model(struct translation *t)
{
    const struct model_set *models = t->context->models;
    const char *name = ltd_json_string(t->values[OPENAI_FIELD_MODEL].json);
    const int found = name ? model_set_find(models, name) : 0;
    char shown[FIELD_SHOWN_SIZE], detail[200];
    struct ltd_error error;

    t->model = model_set_shapes(models, 0);
    if (found >= 0) {
        if (model_set_ask(models, (size_t)found, &t->model, &error) != LTD_OK)
            wrong(t, OPENAI_FIELD_MODEL, "cannot be loaded: %s", error.message);
        return;
    }
    t->unserved = name;
    if (!t->strict_model)
        return;
    snprintf(detail, sizeof detail, "\"%s\" is not served here; GET /v1/models lists what is",
             field_shown(shown, name));
    find(t, "model_not_found", "model", detail);
    t->status = 404;
}

static int steps_of_quality(const struct translation *t)
{
    const int percent = openai_quality_percent((enum openai_quality)t->values[OPENAI_FIELD_QUALITY].word);
    const double steps = round(ltd_params_default(t->model).steps * percent / 100.0);

    return (int)fmin(fmax(steps, 1), t->context->limits.max_steps);
}

static void add_number(struct ltd_json *native, const char *name, double number)
{
    ltd_json_add(native, name, ltd_json_new_number(number));
}

/* As OpenAI has it, the best quality where none is said. */
static struct ltd_json *new_output(const struct translation *t)
{
    const struct value *format = &t->values[OPENAI_FIELD_OUTPUT_FORMAT];
    const struct value *quality = &t->values[OPENAI_FIELD_OUTPUT_COMPRESSION];
    struct ltd_json *output = ltd_json_new_object();

    ltd_json_add(output, "format", ltd_json_copy(format->json));
    add_number(output, "quality", quality->json ? quality->number : LTD_PICTURE_MAX_QUALITY);
    return output;
}

/* All of the native request but its image and mask. */
static struct ltd_json *translate(const struct translation *t)
{
    const struct value *v = t->values;
    const struct value *size = &v[OPENAI_FIELD_SIZE];
    const struct ltd_gen_params standard = ltd_params_default(t->model);
    struct ltd_json *native = ltd_json_new_object();

    for (int id = 0; id < OPENAI_FIELD_COUNT; id++)
        if (rows[id].native[0] && v[id].json)
            ltd_json_add(native, rows[id].native, ltd_json_copy(v[id].json));
    if (!v[OPENAI_FIELD_PROMPT].json)
        ltd_json_add(native, "prompt", ltd_json_new_string(""));
    if (!t->unserved && v[OPENAI_FIELD_MODEL].json)
        ltd_json_add(native, "model", ltd_json_copy(v[OPENAI_FIELD_MODEL].json));
    if (size->width > 0 || t->route != OPENAI_GENERATIONS) {
        add_number(native, "width", size->width ? size->width : standard.width);
        add_number(native, "height", size->width ? size->height : standard.height);
    }
    if (!v[OPENAI_FIELD_STEPS].name && v[OPENAI_FIELD_QUALITY].json)
        add_number(native, "steps", steps_of_quality(t));
    if (!v[OPENAI_FIELD_STRENGTH].name && v[OPENAI_FIELD_IMAGE].json && v[OPENAI_FIELD_INPUT_FIDELITY].json &&
        v[OPENAI_FIELD_INPUT_FIDELITY].word == 1)
        add_number(native, "strength", HIGH_FIDELITY_STRENGTH);
    if (!asks_for_png(t))
        ltd_json_add(native, "output", new_output(t));
    return native;
}

/* Equal for requests that ask for the same pictures; false without memory. */
static bool take_fingerprint(const struct translation *t, const struct ltd_json *native,
                             uint8_t fingerprint[SHA256_SIZE])
{
    const char *image = ltd_json_string(t->values[OPENAI_FIELD_IMAGE].json);
    const char *mask = ltd_json_string(t->values[OPENAI_FIELD_MASK].json);
    char *printed = ltd_json_print(native, false);
    char digest[SHA256_TEXT_SIZE] = "", mask_digest[SHA256_TEXT_SIZE] = "", *all = NULL;
    int length = -1;

    if (image)
        sha256_text(image, strlen(image), digest);
    if (mask)
        sha256_text(mask, strlen(mask), mask_digest);
    if (printed)
        length = asprintf(&all, "openai\n%s\n%s\n%s\n%s", digest, mask_digest, t->unserved ? t->unserved : "",
                          printed);
    if (length >= 0)
        sha256(all, (size_t)length, fingerprint);
    free(printed);
    if (length >= 0)
        free(all);
    return length >= 0;
}

/* What a field of a native request is called in this family. */
static const char *rename_pointer(const char *pointer, char text[PROBLEM_POINTER_SIZE])
{
    const char *native = pointer + (*pointer == '/'), *name = native;

    if (strcmp(native, "output/format") == 0)
        name = rows[OPENAI_FIELD_OUTPUT_FORMAT].name;
    if (strcmp(native, "width") == 0 || strcmp(native, "height") == 0)
        name = rows[OPENAI_FIELD_SIZE].name;
    for (int id = 0; id < OPENAI_FIELD_COUNT; id++)
        if (strcmp(rows[id].native, native) == 0)
            name = rows[id].name;
    snprintf(text, PROBLEM_POINTER_SIZE, "/%s", name);
    return text;
}

/* False: the problem says why there is no job, or there is no memory. */
static bool decode_natively(struct translation *t, struct openai_request *out)
{
    struct ltd_json *native = translate(t);
    bool right = take_fingerprint(t, native, out->fingerprint);

    if (right) {
        if (t->values[OPENAI_FIELD_IMAGE].json)
            ltd_json_add(native, "image", ltd_json_copy(t->values[OPENAI_FIELD_IMAGE].json));
        if (t->values[OPENAI_FIELD_MASK].json) {
            ltd_json_add(native, "mask", ltd_json_copy(t->values[OPENAI_FIELD_MASK].json));
            ltd_json_add(native, "mask_from",
                         ltd_json_new_string(ltd_mask_source_name(LTD_MASK_TRANSPARENT)));
        }
        t->problem->rename = rename_pointer;
        right = request_decode_json(t->context, native, &out->job, t->problem);
        t->problem->rename = NULL;
    } else {
        problem_set(t->problem, 503, "no_memory", "no memory for the request; try again later");
    }
    ltd_json_free(native);
    return right;
}

static void take_answer(const struct translation *t, struct openai_answer *answer)
{
    const struct value *v = t->values;
    const char *model = ltd_json_string(v[OPENAI_FIELD_MODEL].json);

    answer->route = t->route;
    answer->quality = v[OPENAI_FIELD_QUALITY].json ? (enum openai_quality)v[OPENAI_FIELD_QUALITY].word
                                                   : OPENAI_QUALITY_auto;
    answer->stream = v[OPENAI_FIELD_STREAM].truth;
    answer->partial_images = v[OPENAI_FIELD_PARTIAL_IMAGES].number;
    if (v[OPENAI_FIELD_RESPONSE_FORMAT].json)
        answer->urls = v[OPENAI_FIELD_RESPONSE_FORMAT].word == 1;
    else
        answer->urls = !answer->stream && model && strncmp(model, "dall-e", 6) == 0;
}

static bool finish_job(struct translation *t, struct job_request *job)
{
    const struct model_set *models = t->context->models;
    char shown[FIELD_SHOWN_SIZE], message[200];

    job->family = JOB_OPENAI;
    job->detach = true;
    if (t->values[OPENAI_FIELD_STREAM].truth && job->params.count > 1)
        wrong(t, OPENAI_FIELD_N, "a stream carries one picture; send 1, or do without a stream");
    if (!t->unserved)
        return true;
    snprintf(message, sizeof message, "\"%s\" is not served here; %s drew instead",
             field_shown(shown, t->unserved), models->items[0].name);
    return job->warning_count == JOB_MAX_WARNINGS || job_request_warn(job, "model", message);
}

/* Says what the findings come to; false when there is anything to say. */
static bool conclude(const struct translation *t)
{
    if (t->problem->error_count > 0 && t->problem->status != 503)
        problem_set(t->problem, t->status, t->code ? t->code : "invalid_value",
                    "%d values of the request are wrong", t->problem->error_count);
    return !t->problem->code;
}

bool openai_request_decode(const struct request_context *context, enum openai_route route,
                           const struct ltd_json *document, bool from_form, bool strict_model,
                           struct openai_request *out, struct problem *problem)
{
    struct translation t = {context, route, from_form, strict_model, .problem = problem, .status = 400};
    bool right;

    *out = (struct openai_request){0};
    if (ltd_json_type(document) != LTD_JSON_OBJECT) {
        problem_set(problem, 400, "invalid_type", "the request must be an object");
        return false;
    }
    read_members(&t, document);
    check_together(&t);
    choose_model(&t);
    if (decode_natively(&t, out) && !finish_job(&t, out->job))
        problem_set(problem, 503, "no_memory", "no memory for the request; try again later");
    take_answer(&t, &out->answer);
    out->has_seed = t.values[OPENAI_FIELD_SEED].json != NULL;
    right = conclude(&t);
    for (int id = 0; id < OPENAI_FIELD_COUNT; id++)
        ltd_json_free(t.values[id].parsed);
    if (!right)
        openai_request_fini(out);
    return right;
}
