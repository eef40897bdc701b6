#include "api/openai_request.h"

#include <stdio.h>
#include <stdlib.h>

#include <latentd/image.h>

#include "api/openai_encode.h"
#include "check.h"
#include "util/base64.h"

static struct model_set models;
static struct openai_request request;
static struct problem problem;
static bool strict_model;

static bool decode(enum openai_route route, bool from_form, const char *text)
{
    const struct request_context context = {
        .models = &models,
        .limits = {.max_pixels = 4096, .max_steps = 20, .max_count = 3, .max_prompt_bytes = 100}};
    struct ltd_json *document = NULL;
    struct ltd_error error;
    bool right;

    if (models.count == 0 && (model_set_open(&models, "first", "x", &error) != LTD_OK ||
                              model_set_open(&models, "second", "y", &error) != LTD_OK))
        return false;
    openai_request_fini(&request);
    problem_fini(&problem);
    if (ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &document, &error) != LTD_OK)
        return false;
    right = openai_request_decode(&context, route, document, from_form, strict_model, &request, &problem);
    ltd_json_free(document);
    return right;
}

static bool generations(const char *text)
{
    return decode(OPENAI_GENERATIONS, false, text);
}

/* A form for edits with a white PNG of 16 x 8 pixels as its image, and what `more` says. */
static const char *form(const char *more)
{
    static char text[1024];
    struct ltd_image *image = NULL;
    struct ltd_bytes png = {0};
    struct ltd_error error;
    char *base64 = NULL;

    text[0] = '\0';
    if (ltd_image_new(16, 8, &image, &error) == LTD_OK &&
        ltd_png_encode(image, NULL, 0, &png, &error) == LTD_OK)
        base64 = base64_encode_new(png.data, png.size);
    if (base64)
        snprintf(text, sizeof text, "{\"image\":\"%s\"%s}", base64, more);
    ltd_image_free(image);
    free(png.data);
    free(base64);
    return text;
}

/* The fields of all findings, in order, with spaces between. */
static const char *found(void)
{
    static char text[512];

    text[0] = '\0';
    for (const struct ltd_json *error = ltd_json_first(problem.errors); error; error = ltd_json_next(error)) {
        strcat(text, *text ? " " : "");
        strcat(text, ltd_json_string(ltd_json_get(error, "pointer")) + 1);
    }
    return text;
}

static void finish(void)
{
    openai_request_fini(&request);
    problem_fini(&problem);
    model_set_fini(&models);
    strict_model = false;
}

TEST(what_is_left_out_is_the_models)
{
    REQUIRE(
        generations("{\"prompt\":\"p\",\"n\":null,\"size\":\"auto\",\"quality\":\"auto\",\"style\":null}"));
    CHECK_STR(request.job->params.prompt, "p");
    CHECK_INT(request.job->params.steps, 4);
    CHECK_INT(request.job->params.width, 64);
    CHECK_INT(request.job->params.count, 1);
    CHECK_INT(request.job->family, JOB_OPENAI);
    CHECK(request.job->detach);
    CHECK(!request.has_seed);
    CHECK(!request.answer.urls);
    CHECK(!request.answer.stream);
    finish();
}

TEST(what_is_given_is_taken)
{
    REQUIRE(generations(
        "{\"prompt\":\"p\",\"negative_prompt\":\"n\",\"seed\":18446744073709551615,\"step\":20,"
        "\"guidance_scale\":2.5,\"sampler\":\"euler\",\"scheduler\":\"karras\",\"size\":\"8x512\","
        "\"model\":\"second\",\"clip_skip\":1,\"n\":3,\"response_format\":\"url\"}"));
    CHECK_STR(request.job->params.negative_prompt, "n");
    CHECK(request.job->params.seed == UINT64_MAX);
    CHECK(request.has_seed);
    CHECK_INT(request.job->params.steps, 20);
    CHECK_NEAR(request.job->params.cfg_scale, 2.5, 0);
    CHECK_INT(request.job->params.sampler, LTD_SAMPLER_EULER);
    CHECK_INT(request.job->params.scheduler, LTD_SCHEDULER_KARRAS);
    CHECK_INT(request.job->params.width, 8);
    CHECK_INT(request.job->params.height, 512);
    CHECK_INT(request.job->params.clip_skip, 1);
    CHECK_INT(request.job->params.count, 3);
    CHECK_INT(request.job->model, 1);
    CHECK_INT(request.job->warning_count, 0);
    CHECK(request.answer.urls);
    finish();
}

TEST(quality_is_steps_where_steps_are_not_said)
{
    static const struct {
        const char *quality;
        int steps;
    } rows[] = {{"low", 2}, {"medium", 4}, {"standard", 4}, {"high", 6},
                {"hd", 6},  {"xhigh", 8},  {"max", 12}};
    char text[80];

    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(text, sizeof text, "{\"prompt\":\"\",\"quality\":\"%s\"}", rows[i].quality);
        REQUIRE(generations(text));
        CHECK_INT(request.job->params.steps, rows[i].steps);
        CHECK_STR(openai_quality_name(request.answer.quality), rows[i].quality);
    }
    REQUIRE(generations("{\"prompt\":\"\",\"quality\":\"max\",\"steps\":3}"));
    CHECK_INT(request.job->params.steps, 3);
    finish();
}

TEST(pictures_come_as_clients_of_the_model_expect_them)
{
    REQUIRE(generations("{\"prompt\":\"\",\"model\":\"dall-e-3\"}"));
    CHECK(request.answer.urls);
    REQUIRE(generations("{\"prompt\":\"\",\"model\":\"dall-e-3\",\"response_format\":\"b64_json\"}"));
    CHECK(!request.answer.urls);
    REQUIRE(generations("{\"prompt\":\"\",\"model\":\"dall-e-3\",\"stream\":true,\"partial_images\":3}"));
    CHECK(!request.answer.urls);
    CHECK_INT(request.answer.partial_images, 3);
    REQUIRE(generations("{\"prompt\":\"\",\"model\":\"gpt-image-1\"}"));
    CHECK(!request.answer.urls);
    finish();
}

TEST(a_model_that_is_not_served_is_told_or_refused)
{
    REQUIRE(generations("{\"prompt\":\"\",\"model\":\"dall-e-2\"}"));
    CHECK_INT(request.job->model, 0);
    REQUIRE(request.job->warning_count == 1);
    CHECK_STR(request.job->warnings[0].field, "model");
    CHECK(strstr(request.job->warnings[0].message, "dall-e-2"));
    CHECK(strstr(request.job->warnings[0].message, "first"));
    strict_model = true;
    CHECK(!generations("{\"prompt\":\"\",\"model\":\"dall-e-2\"}"));
    CHECK_INT(problem.status, 404);
    CHECK_STR(problem.code, "model_not_found");
    CHECK_STR(found(), "model");
    CHECK(generations("{\"prompt\":\"\",\"model\":\"second\"}"));
    finish();
}

TEST(all_findings_come_at_once_in_the_clients_words)
{
    CHECK(!generations("{\"n\":4,\"size\":\"12x64\",\"qualty\":\"hd\",\"output_format\":\"gif\",\"seed\":-1,"
                       "\"strength\":0.5,\"steps\":3,\"step\":4,\"svg\":{}}"));
    CHECK_INT(problem.status, 400);
    CHECK_STR(problem.code, "unknown_parameter");
    CHECK_STR(found(), "qualty output_format strength step svg prompt n seed size");
    CHECK(!generations("{\"prompt\":\"\",\"size\":\"4096x4096\"}"));
    CHECK_STR(found(), "size");
    CHECK_STR(problem.code, "invalid_value");
    CHECK(!generations("[]"));
    CHECK_INT(problem.status, 400);
    finish();
}

TEST(every_wrong_value_of_every_field_is_named)
{
    static const char *const values[] = {"true", "\"\"", "[]", "{}", "0", "-1", "0.5", "1e300", "\"7\""};
    static const struct {
        const char *field;
        const char *right; /* values of the list above that are right */
    } fields[] = {{"prompt", "\"\" \"7\""},
                  {"model", "\"\" \"7\""},
                  {"n", ""},
                  {"size", ""},
                  {"quality", ""},
                  {"response_format", ""},
                  {"output_format", ""},
                  {"stream", "true"},
                  {"partial_images", "0"},
                  {"seed", "0"},
                  {"steps", ""},
                  {"num_inference_steps", ""},
                  {"cfg_scale", "0 0.5"},
                  {"negative_prompt", "\"\" \"7\""},
                  {"sampler", ""},
                  {"scheduler", ""},
                  {"clip_skip", "0"},
                  {"loras", ""},
                  {"output_compression", ""},
                  {"background", ""},
                  {"moderation", ""},
                  {"style", ""},
                  {"complexity", ""},
                  {"user", "\"\" \"7\""},
                  {"safety_identifier", "\"\" \"7\""},
                  {"frame_count", ""},
                  {"svg", ""},
                  {"strength", ""},
                  {"image", ""},
                  {"mask", ""}};

    for (size_t f = 0; f < COUNT(fields); f++) {
        const bool is_prompt = strcmp(fields[f].field, "prompt") == 0;

        for (size_t v = 0; v < COUNT(values); v++) {
            char right[40], text[128];
            bool is_right = false;

            snprintf(right, sizeof right, "%s", fields[f].right);
            for (char *word = strtok(right, " "); word; word = strtok(NULL, " "))
                is_right |= strcmp(word, values[v]) == 0;
            snprintf(text, sizeof text, is_prompt ? "{\"%s\":%s}" : "{\"prompt\":\"\",\"%s\":%s}",
                     fields[f].field, values[v]);
            CHECK_INT(generations(text), is_right);
            CHECK(is_right || problem.status == 400);
            CHECK(is_right || problem.error_count == 1);
            CHECK(is_right || strstr(fields[f].field, found()) || strcmp(found(), "steps") == 0);
        }
    }
    finish();
}

TEST(sizes_are_two_numbers)
{
    static const char *const wrong[] = {"64",    "x64",  "64x",  "64x64x64", "64X64",    " 64x64", "64x64 ",
                                        "-8x64", "0x64", "64x0", "8x8.0",    "999999x8", "large"};
    char text[80];

    for (size_t i = 0; i < COUNT(wrong); i++) {
        snprintf(text, sizeof text, "{\"prompt\":\"\",\"size\":\"%s\"}", wrong[i]);
        CHECK(!generations(text));
        CHECK_STR(found(), "size");
    }
    finish();
}

TEST(a_stream_carries_one_picture)
{
    CHECK(!generations("{\"prompt\":\"\",\"stream\":true,\"n\":2}"));
    CHECK_STR(found(), "n");
    CHECK(!generations("{\"prompt\":\"\",\"stream\":true,\"response_format\":\"url\"}"));
    CHECK_STR(found(), "response_format");
    CHECK(!generations("{\"prompt\":\"\",\"partial_images\":1}"));
    CHECK_STR(found(), "partial_images");
    CHECK(generations("{\"prompt\":\"\",\"partial_images\":0,\"stream\":false}"));
    finish();
}

TEST(a_form_says_numbers_in_words)
{
    REQUIRE(
        decode(OPENAI_EDITS, true,
               form(",\"prompt\":\"p\",\"n\":\"2\",\"seed\":\"18446744073709551615\",\"strength\":\"0.25\","
                    "\"size\":\"\",\"quality\":\"\",\"stream\":\"false\",\"input_fidelity\":\"high\"")));
    CHECK_INT(request.job->params.count, 2);
    CHECK(request.job->params.seed == UINT64_MAX);
    CHECK_NEAR(request.job->params.strength, 0.25, 0);
    CHECK_INT(request.job->params.width, 64);
    CHECK_INT(request.job->params.height, 64);
    CHECK(request.job->params.init_image);
    CHECK_INT(request.answer.route, OPENAI_EDITS);
    REQUIRE(decode(OPENAI_EDITS, true, form(",\"prompt\":\"p\",\"input_fidelity\":\"high\"")));
    CHECK_NEAR(request.job->params.strength, 0.5, 0);
    CHECK(!decode(OPENAI_EDITS, true,
                  form(",\"prompt\":\"p\",\"n\":\"two\",\"seed\":\"1 \",\"steps\":\"\\\"1\\\"\","
                       "\"stream\":\"yes\",\"partial_images\":\"4\"")));
    CHECK_STR(found(), "n seed steps stream partial_images");
    finish();
}

TEST(an_edit_needs_a_picture)
{
    CHECK(!decode(OPENAI_EDITS, true, "{\"prompt\":\"p\",\"strength\":\"0.5\"}"));
    CHECK_STR(found(), "image");
    CHECK_STR(problem.code, "missing_required_parameter");
    CHECK(!decode(OPENAI_EDITS, true, "{\"prompt\":\"p\",\"image\":\"bm8=\"}"));
    CHECK_STR(found(), "image");
    CHECK_INT(problem.status, 400);
    CHECK(!decode(OPENAI_EDITS, true, form(",\"prompt\":\"p\",\"mask\":\"bm8=\"")));
    CHECK_STR(found(), "mask");
    CHECK_INT(problem.status, 400);
    CHECK(!decode(OPENAI_EDITS, true, form(",\"prompt\":\"p\",\"mask_blur\":\"4\"")));
    CHECK_STR(found(), "mask_blur");
    CHECK(!decode(OPENAI_EDITS, true, form("")));
    CHECK_STR(found(), "prompt");
    finish();
}

TEST(a_variation_has_no_prompt)
{
    REQUIRE(decode(OPENAI_VARIATIONS, true, form(",\"n\":\"2\",\"response_format\":\"url\",\"user\":\"u\"")));
    CHECK_STR(request.job->params.prompt, "");
    CHECK(request.job->params.init_image);
    CHECK(request.answer.urls);
    CHECK(!decode(OPENAI_VARIATIONS, true, form(",\"prompt\":\"p\"")));
    CHECK_STR(found(), "prompt");
    finish();
}

TEST(fingerprints_are_of_what_is_drawn)
{
    uint8_t first[SHA256_SIZE];

    REQUIRE(generations("{\"prompt\":\"p\",\"n\":2,\"user\":\"a\",\"style\":\"vivid\"}"));
    memcpy(first, request.fingerprint, sizeof first);
    REQUIRE(generations("{\"n\":2,\"response_format\":\"url\",\"prompt\":\"p\",\"user\":\"b\"}"));
    CHECK(memcmp(first, request.fingerprint, sizeof first) == 0);
    REQUIRE(generations("{\"n\":2,\"prompt\":\"q\"}"));
    CHECK(memcmp(first, request.fingerprint, sizeof first) != 0);
    REQUIRE(generations("{\"n\":2,\"prompt\":\"p\",\"model\":\"third\"}"));
    CHECK(memcmp(first, request.fingerprint, sizeof first) != 0);
    REQUIRE(decode(OPENAI_EDITS, true, form(",\"prompt\":\"p\",\"n\":\"2\"")));
    CHECK(memcmp(first, request.fingerprint, sizeof first) != 0);
    finish();
}

TEST(errors_have_four_keys)
{
    struct ltd_json *json, *parsed = NULL;
    const struct ltd_json *error;
    struct ltd_error ignored;
    char *text;

    CHECK(!generations("{\"prompt\":\"\",\"n\":0,\"size\":\"x\"}"));
    json = openai_error_encode(&problem);
    text = ltd_json_print(json, false);
    REQUIRE(text &&
            ltd_json_parse(text, strlen(text), &ltd_json_request_limits, &parsed, &ignored) == LTD_OK);
    error = ltd_json_get(parsed, "error");
    CHECK_INT(ltd_json_size(error), 4);
    CHECK_STR(ltd_json_string(ltd_json_get(error, "type")), "invalid_request_error");
    CHECK_STR(ltd_json_string(ltd_json_get(error, "param")), "size");
    CHECK_STR(ltd_json_string(ltd_json_get(error, "code")), "invalid_value");
    CHECK(strstr(ltd_json_string(ltd_json_get(error, "message")), "size: ") ==
          ltd_json_string(ltd_json_get(error, "message")));
    CHECK(strstr(ltd_json_string(ltd_json_get(error, "message")), "; n: "));
    free(text);
    ltd_json_free(json);
    ltd_json_free(parsed);
    finish();
}
