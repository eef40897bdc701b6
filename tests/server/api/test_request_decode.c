#include "api/request_decode.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct model_set models;
static struct job_request *request;
static struct problem problem;
static bool lenient;

static bool decode(const char *body)
{
    struct request_context context = {
        .models = &models,
        .limits = {.max_pixels = 4096, .max_steps = 20, .max_count = 3, .max_prompt_bytes = 100},
        .lenient = lenient};
    struct ltd_error error;

    if (models.count == 0 && (model_set_open(&models, "first", "x", &error) != LTD_OK ||
                              model_set_open(&models, "second", "y", &error) != LTD_OK))
        return false;
    job_request_unref(request);
    request = NULL;
    problem_fini(&problem);
    return request_decode(&context, body, strlen(body), &request, &problem);
}

/* The pointers of all findings, in order, with spaces between. */
static const char *pointers(const char *body)
{
    static char text[512];
    const struct ltd_json *error;

    text[0] = '\0';
    if (decode(body))
        return "none";
    for (error = ltd_json_first(problem.errors); error; error = ltd_json_next(error)) {
        strcat(text, *text ? " " : "");
        strcat(text, ltd_json_string(ltd_json_get(error, "pointer")));
    }
    return text;
}

static void finish(void)
{
    job_request_unref(request);
    request = NULL;
    problem_fini(&problem);
    model_set_fini(&models);
}

TEST(what_is_left_out_is_the_models)
{
    REQUIRE(decode("{\"prompt\": \"p\"}"));
    CHECK_STR(request->params.prompt, "p");
    CHECK_STR(request->params.negative_prompt, "");
    CHECK_INT(request->params.steps, 4);
    CHECK_INT(request->params.width, 64);
    CHECK_INT(request->params.count, 1);
    CHECK(request->params.seed <= UINT32_MAX);
    CHECK(request->metadata);
    CHECK(!request->params.init_image);
    CHECK_INT(request->model, 0);
    finish();
}

TEST(what_is_given_is_taken)
{
    REQUIRE(decode(
        "{\"prompt\":\"p\",\"negative_prompt\":\"n\",\"seed\":18446744073709551615,\"steps\":20,"
        "\"cfg_scale\":2.5,\"sampler\":\"euler\",\"scheduler\":\"karras\",\"width\":8,\"height\":512,"
        "\"model\":\"second\",\"clip_skip\":1,\"profile\":\"diffusers\",\"numerics\":\"strict\",\"precision\":\"bf16\","
        "\"cfg_rescale\":0.7,\"guidance_start\":0.25,\"guidance_end\":0.75,\"deepcache_interval\":3,\"kind\":\"txt2img\",\"output\":{\"format\":\"png\",\"metadata\":false}}"));
    CHECK_STR(request->params.negative_prompt, "n");
    CHECK(request->params.seed == UINT64_MAX);
    CHECK_INT(request->params.steps, 20);
    CHECK_NEAR(request->params.cfg_scale, 2.5, 0);
    CHECK_INT(request->params.sampler, LTD_SAMPLER_EULER);
    CHECK_INT(request->params.scheduler, LTD_SCHEDULER_KARRAS);
    CHECK_INT(request->params.width, 8);
    CHECK_INT(request->params.height, 512);
    CHECK_INT(request->params.clip_skip, 1);
    CHECK_INT(request->params.numerics, LTD_NUMERICS_STRICT);
    CHECK_INT(request->params.precision, LTD_PRECISION_BF16);
    CHECK_NEAR(request->params.cfg_rescale, 0.7, 0);
    CHECK_NEAR(request->params.guidance_start, 0.25, 0);
    CHECK_NEAR(request->params.guidance_end, 0.75, 0);
    CHECK_INT(request->params.deepcache_interval, 3);
    CHECK_INT(request->model, 1);
    CHECK(!request->metadata);
    finish();
}

TEST(every_wrong_value_of_every_field_is_named)
{
    static const char *const wrong[] = {"null", "true", "\"\"", "[]", "{}", "0", "-1", "0.5", "1e300"};
    static const struct {
        const char *field;
        const char *right; /* values of the list above that are right */
    } fields[] = {{"kind", ""},
                  {"prompt", "\"\""},
                  {"negative_prompt", "\"\""},
                  {"seed", "0"},
                  {"steps", ""},
                  {"cfg_scale", "0 0.5"},
                  {"sampler", ""},
                  {"scheduler", ""},
                  {"width", ""},
                  {"height", ""},
                  {"count", ""},
                  {"image", ""},
                  {"strength", ""},
                  {"model", ""},
                  {"clip_skip", "0"},
                  {"profile", ""},
                  {"numerics", ""},
                  {"precision", ""},
                  {"output", "{}"},
                  {"cfg_rescale", "0 0.5"},
                  {"eta", "0 0.5"},
                  {"s_churn", "0 0.5"},
                  {"s_tmin", "0 0.5"},
                  {"s_tmax", "0 0.5"},
                  {"s_noise", "0 0.5"},
                  {"guidance_start", "0 0.5"},
                  {"guidance_end", "0.5"},
                  {"deepcache_interval", ""}};

    for (size_t f = 0; f < COUNT(fields); f++) {
        for (size_t v = 0; v < COUNT(wrong); v++) {
            char body[128], want[32];
            char right[32];
            bool is_right = false;

            snprintf(right, sizeof right, "%s", fields[f].right);
            for (char *word = strtok(right, " "); word; word = strtok(NULL, " "))
                is_right |= strcmp(word, wrong[v]) == 0;
            snprintf(want, sizeof want, "/%s", fields[f].field);
            snprintf(body, sizeof body,
                     strcmp(fields[f].field, "prompt") == 0 ? "{\"%s\":%s}" : "{\"prompt\":\"\",\"%s\":%s}",
                     fields[f].field, wrong[v]);
            CHECK_STR(pointers(body), is_right ? "none" : want);
            CHECK(is_right || problem.status == 422);
        }
    }
    finish();
}

TEST(all_findings_come_at_once)
{
    CHECK_STR(
        pointers("{\"steps\":21,\"widht\":8,\"clip_skip\":2,\"output\":{\"format\":1,\"x\":1},\"count\":4}"),
        "/steps /widht /output/format /output/x /count /prompt /clip_skip");
    CHECK_STR(problem.code, "invalid");
    CHECK_STR(pointers("{}"), "/prompt");
    CHECK_STR(pointers("[]"), "");
    CHECK_INT(problem.status, 422);
    finish();
}

TEST(sizes_are_multiples_within_the_limit)
{
    CHECK_STR(pointers("{\"prompt\":\"\",\"width\":12}"), "/width");
    CHECK_STR(pointers("{\"prompt\":\"\",\"width\":4,\"height\":4}"), "/width /height");
    CHECK_STR(pointers("{\"prompt\":\"\",\"width\":64,\"height\":64}"), "none");
    CHECK_STR(pointers("{\"prompt\":\"\",\"width\":72,\"height\":64}"), "/width");
    CHECK_STR(pointers("{\"prompt\":\"\",\"height\":72}"), "/height");
    CHECK_STR(pointers("{\"prompt\":\"\",\"width\":4096,\"height\":4096}"), "/width");
    finish();
}

TEST(what_is_not_JSON_is_400)
{
    CHECK(!decode("{\"prompt\":"));
    CHECK_INT(problem.status, 400);
    CHECK_STR(problem.code, "json_syntax");
    CHECK(!decode(""));
    CHECK_STR(problem.code, "json_syntax");
    CHECK(!decode("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
    CHECK_STR(problem.code, "json_too_big");
    finish();
}

TEST(prompts_are_bounded_in_bytes)
{
    char body[160];

    snprintf(body, sizeof body, "{\"prompt\":\"%0100d\"}", 0);
    CHECK(decode(body));
    snprintf(body, sizeof body, "{\"prompt\":\"%0101d\"}", 0);
    CHECK_STR(pointers(body), "/prompt");
    finish();
}

TEST(unknown_names_come_with_a_suggestion)
{
    CHECK_STR(pointers("{\"prompt\":\"\",\"num_inference_steps\":3}"), "/num_inference_steps");
    CHECK(strstr(ltd_json_string(ltd_json_get(ltd_json_first(problem.errors), "detail")), "/steps") != NULL);
    CHECK_STR(pointers("{\"prompt\":\"\",\"model\":\"frist\"}"), "/model");
    CHECK(strstr(ltd_json_string(ltd_json_get(ltd_json_first(problem.errors), "detail")), "\"first\"") !=
          NULL);
    CHECK_STR(pointers("{\"prompt\":\"\",\"sampler\":\"eular\"}"), "/sampler");
    CHECK(strstr(ltd_json_string(ltd_json_get(ltd_json_first(problem.errors), "detail")), "\"euler\"?") !=
          NULL);
    finish();
}
