#include "api/a1111_encode.h"

#include <stdlib.h>

#include <latentd/image.h>

#include "api/a1111_extras.h"
#include "check.h"
#include "util/base64.h"

static struct model_set models;
static struct job_view job;

/* A job of two pictures, as it is while it runs. */
static bool begin(const char *echo)
{
    struct ltd_error error;
    struct job_request *request = job_request_new();

    if (!request || (models.count == 0 && model_set_open(&models, "first", "x", &error) != LTD_OK))
        return false;
    request->prompt = strdup("a cat");
    request->negative_prompt = strdup("");
    request->echo = strdup(echo);
    request->params = ltd_params_default(model_set_shapes(&models, 0));
    request->params.prompt = request->prompt;
    request->params.negative_prompt = request->negative_prompt;
    request->params.count = 2;
    request->params.seed = 7;
    request->params.sampler = LTD_SAMPLER_EULER_A;
    job = (struct job_view){.record = {.state = JOB_RUNNING, .request = request, .created_ms = 86400000},
                            .progress = {.step = 3, .steps = 4, .image = 1, .fraction = 0.5},
                            .eta_s = 2.5};
    memset(job.record.id, 'a', RANDOM_ID_SIZE - 1);
    return true;
}

static bool succeed(void)
{
    job.record.state = JOB_SUCCEEDED;
    job.record.result.images = calloc(2, sizeof *job.record.result.images);
    if (!job.record.result.images)
        return false;
    job.record.result.image_count = 2;
    for (int i = 0; i < 2; i++) {
        job.record.result.images[i].file = blob_from_text(i == 0 ? "one" : "two");
        job.record.result.images[i].seed = 7u + (unsigned)i;
    }
    return true;
}

static void finish(void)
{
    job_record_fini(&job.record);
    model_set_fini(&models);
}

static const struct ltd_json *at(const struct ltd_json *json, const char *a, const char *b)
{
    const struct ltd_json *inner = ltd_json_get(json, a);

    return b ? ltd_json_get(inner, b) : inner;
}

TEST(the_answer_is_pictures_parameters_and_info_in_a_string)
{
    const struct a1111_catalog catalog = {&models, NULL};
    struct ltd_json *json, *info = NULL;
    const char *text;

    REQUIRE(begin("{\"sampler_name\":\"k_euler_a\",\"batch_size\":2,\"subseed\":5}") && succeed());
    json = a1111_answer_encode(&job, &catalog);
    CHECK_STR(ltd_json_string(ltd_json_first(ltd_json_get(json, "images"))), "b25l");
    CHECK_STR(ltd_json_string(at(json, "parameters", "sampler_name")), "k_euler_a");
    CHECK_NEAR(ltd_json_number(at(json, "parameters", "steps")), 4, 0);
    CHECK_STR(ltd_json_string(at(json, "parameters", "prompt")), "");
    CHECK(ltd_json_type(at(json, "parameters", "script_name")) == LTD_JSON_NULL);
    CHECK(at(json, "parameters", "hr_scale") && !at(json, "parameters", "init_images"));
    text = ltd_json_string(ltd_json_get(json, "info"));
    REQUIRE(text && ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &info, NULL) == LTD_OK);
    CHECK_STR(ltd_json_string(at(info, "sampler_name", NULL)), "Euler a");
    CHECK_STR(ltd_json_string(at(info, "job_timestamp", NULL)), "19700102000000");
    CHECK_INT(ltd_json_size(at(info, "infotexts", NULL)), 2);
    CHECK_INT(ltd_json_size(at(info, "all_seeds", NULL)), 2);
    CHECK_NEAR(ltd_json_number(at(info, "subseed", NULL)), 5, 0);
    CHECK(ltd_json_type(at(info, "sd_model_hash", NULL)) == LTD_JSON_NULL);
    CHECK(ltd_json_type(at(info, "denoising_strength", NULL)) == LTD_JSON_NULL);
    ltd_json_free(info);
    ltd_json_free(json);
    finish();
}

TEST(pictures_can_be_left_out)
{
    const struct a1111_catalog catalog = {&models, NULL};
    static const char *const echoes[] = {"{\"send_images\":false}", "{\"send_images\":0}",
                                         "{\"send_images\":1}"};

    for (size_t i = 0; i < COUNT(echoes); i++) {
        struct ltd_json *json;

        REQUIRE(begin(echoes[i]) && succeed());
        json = a1111_answer_encode(&job, &catalog);
        CHECK_INT(ltd_json_size(ltd_json_get(json, "images")), i == 2 ? 2 : 0);
        ltd_json_free(json);
        finish();
    }
}

TEST(progress_is_never_0_while_there_is_a_job)
{
    struct ltd_json *json = a1111_progress_encode(NULL, NULL);

    CHECK_NEAR(ltd_json_number(at(json, "progress", NULL)), 0, 0);
    CHECK_NEAR(ltd_json_number(at(json, "state", "job_count")), 0, 0);
    ltd_json_free(json);
    REQUIRE(begin("{}"));
    json = a1111_progress_encode(&job, NULL);
    CHECK_NEAR(ltd_json_number(at(json, "progress", NULL)), 0.51, 1e-12);
    CHECK_NEAR(ltd_json_number(at(json, "eta_relative", NULL)), 2.5, 0);
    CHECK_NEAR(ltd_json_number(at(json, "state", "job_count")), 2, 0);
    CHECK_NEAR(ltd_json_number(at(json, "state", "job_no")), 1, 0);
    CHECK_STR(ltd_json_string(at(json, "current_task", NULL)), "task(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)");
    ltd_json_free(json);
    job.record.state = JOB_QUEUED;
    job.progress.fraction = 0;
    json = a1111_progress_encode(&job, NULL);
    CHECK(ltd_json_number(at(json, "progress", NULL)) > 0);
    ltd_json_free(json);
    finish();
}

TEST(a_preview_that_the_client_shows_is_not_sent_again)
{
    struct blob *preview = blob_from_text("one");
    struct ltd_json *json;

    REQUIRE(preview && begin("{}"));
    json = a1111_task_encode(&job, preview, 5, 4);
    CHECK_STR(ltd_json_string(at(json, "live_preview", NULL)), "data:image/png;base64,b25l");
    CHECK_NEAR(ltd_json_number(at(json, "id_live_preview", NULL)), 5, 0);
    ltd_json_free(json);
    json = a1111_task_encode(&job, preview, 5, 5);
    CHECK(ltd_json_type(at(json, "live_preview", NULL)) == LTD_JSON_NULL);
    CHECK(ltd_json_bool(at(json, "active", NULL)) && !ltd_json_bool(at(json, "completed", NULL)));
    ltd_json_free(json);
    blob_unref(preview);
    finish();
}

/* {"image": a PNG with these texts}. */
static struct ltd_json *picture(const struct ltd_png_text *texts, size_t count)
{
    struct ltd_image *image = NULL;
    struct ltd_bytes png = {0};
    struct ltd_json *json = ltd_json_new_object();
    char *base64 = NULL;

    if (ltd_image_new(4, 2, &image, NULL) == LTD_OK &&
        ltd_png_encode(image, texts, count, &png, NULL) == LTD_OK)
        base64 = base64_encode_new(png.data, png.size);
    ltd_json_add(json, "image", base64 ? ltd_json_new_string(base64) : NULL);
    ltd_image_free(image);
    free(png.data);
    free(base64);
    return json;
}

TEST(what_a_picture_says_is_taken_apart)
{
    const struct ltd_png_text texts[] = {
        {"Author", "first"},
        {"parameters", "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, Size: 64x32, Size-1: x"},
        {"Author", "last"},
    };
    struct ltd_json *document = picture(texts, COUNT(texts)), *json;
    struct a1111_refusal refusal = {0};

    json = a1111_png_info(document, &refusal);
    REQUIRE(json);
    CHECK_STR(ltd_json_string(at(json, "info", NULL)), texts[1].text);
    CHECK_STR(ltd_json_string(at(json, "items", "Author")), "last");
    CHECK_INT(ltd_json_size(at(json, "items", NULL)), 1);
    CHECK_STR(ltd_json_string(at(json, "parameters", "Prompt")), "a cat");
    CHECK_STR(ltd_json_string(at(json, "parameters", "Negative prompt")), "dog");
    CHECK_STR(ltd_json_string(at(json, "parameters", "Size-2")), "32");
    ltd_json_free(json);
    ltd_json_free(document);
}

TEST(a_picture_may_not_grow_beyond_the_limit)
{
    struct model_set served = {0};
    const struct request_context context = {
        .models = &served, .limits = {.max_pixels = 32, .max_upscaled_pixels = 32, .max_count = 2}};
    static const struct {
        const char *more;
        bool fits;
    } cases[] = {
        {"{\"upscaler_1\":\"Nearest\",\"upscaling_resize\":2}", true},
        {"{\"upscaler_1\":\"Nearest\",\"upscaling_resize\":2.5}", false},
        {"{\"upscaler_1\":\"Lanczos\",\"resize_mode\":1,\"upscaling_resize_w\":4,\"upscaling_resize_h\":4}",
         true},
        {"{\"upscaler_1\":\"Lanczos\",\"resize_mode\":1,\"upscaling_resize_w\":1,\"upscaling_resize_h\":32}",
         false},
        {"{\"upscaler_1\":\"Lanczos\",\"upscaling_resize\":1e-9}", false},
        {"{\"upscaler_1\":\"Lanczos\",\"upscaling_resize\":1e308}", false},
    };

    REQUIRE(model_set_open(&served, "default", "models/default", NULL) == LTD_OK);
    REQUIRE(ltd_upscalers_open(NULL, &served.upscalers, NULL) == LTD_OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ltd_json *document = picture(NULL, 0), *more = NULL, *json = NULL;
        struct job_request *request;
        struct a1111_refusal refusal = {0};

        REQUIRE(ltd_json_parse(cases[i].more, strlen(cases[i].more), &ltd_json_request_limits, &more, NULL) ==
                LTD_OK);
        for (const struct ltd_json *member = ltd_json_first(more); member; member = ltd_json_next(member))
            ltd_json_add(document, ltd_json_key(member), ltd_json_copy(member));
        request = a1111_extras_decode(document, false, &context, &refusal);
        if (request)
            json = a1111_extras_run(request, false, served.upscalers);
        CHECK((json != NULL) == cases[i].fits);
        CHECK_INT(refusal.status, cases[i].fits ? 0 : 422);
        ltd_json_free(json);
        ltd_json_free(more);
        ltd_json_free(document);
        job_request_unref(request);
        a1111_refusal_fini(&refusal);
    }
    model_set_fini(&served);
}
