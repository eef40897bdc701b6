#include "api/a1111_decode.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct model_set models;
static struct a1111_settings standing;
static struct a1111_asked asked;
static struct a1111_refusal refusal;

static void finish(void)
{
    a1111_asked_fini(&asked);
    a1111_refusal_fini(&refusal);
    model_set_fini(&models);
    standing = (struct a1111_settings){0};
}

static bool decode_as(enum a1111_route route, const char *body)
{
    const struct a1111_catalog catalog = {&models, NULL};
    struct ltd_json *document = NULL;
    struct ltd_error error;
    bool right;

    if (models.count == 0 && (model_set_open(&models, "first", "x", &error) != LTD_OK ||
                              model_set_open(&models, "second", "y", &error) != LTD_OK))
        return false;
    a1111_asked_fini(&asked);
    a1111_refusal_fini(&refusal);
    if (ltd_json_parse(body, strlen(body), &ltd_json_request_limits, &document, &error) != LTD_OK)
        return false;
    right = a1111_decode(document, route, &standing, &catalog, &asked, &refusal);
    ltd_json_free(document);
    return right;
}

static bool decode(const char *body)
{
    return decode_as(A1111_TXT2IMG, body);
}

/* JSON as text, in static storage. */
static const char *printed(const struct ltd_json *json)
{
    static char text[2048];
    char *made = ltd_json_print(json, false);

    snprintf(text, sizeof text, "%s", made ? made : "nothing");
    free(made);
    return text;
}

/* A field of the native request that a body becomes, as text. */
static const char *native(const char *body, const char *field)
{
    if (!decode(body))
        return "refused";
    return ltd_json_get(asked.native, field) ? printed(ltd_json_get(asked.native, field)) : "absent";
}

/* The places of what is wrong, with spaces between. */
static const char *places(const char *body)
{
    static char text[512];

    text[0] = '\0';
    if (decode(body))
        return "none";
    if (refusal.code)
        return refusal.code;
    for (const struct ltd_json *item = ltd_json_first(refusal.items); item; item = ltd_json_next(item)) {
        const struct ltd_json *part = ltd_json_next(ltd_json_first(ltd_json_get(item, "loc")));

        strcat(text, *text ? " " : "");
        for (; part; part = ltd_json_next(part)) {
            strcat(text, ltd_json_string(part));
            strcat(text, ltd_json_next(part) ? "/" : "");
        }
    }
    return text;
}

TEST(nothing_said_is_left_to_the_model)
{
    CHECK(decode("{}"));
    CHECK_STR(printed(asked.native),
              "{\"model\":\"first\",\"profile\":\"a1111\",\"prompt\":\"\",\"count\":1}");
    CHECK_INT(asked.note_count, 0);
    CHECK(decode("{\"steps\": null, \"seed\": null, \"styles\": null, \"scheduler\": \"automatic\"}"));
    CHECK_STR(printed(asked.native),
              "{\"model\":\"first\",\"profile\":\"a1111\",\"prompt\":\"\",\"count\":1}");
    finish();
}

TEST(values_become_native_ones)
{
    CHECK_STR(native("{\"seed\": 18446744073709551615}", "seed"), "18446744073709551615");
    CHECK_STR(native("{\"seed\": -1}", "seed"), "absent");
    CHECK_STR(native("{\"seed\": \"12\"}", "seed"), "12");
    CHECK_STR(native("{\"steps\": 20.0}", "steps"), "20");
    CHECK_STR(native("{\"steps\": -3}", "steps"), "-3");
    CHECK_STR(native("{\"cfg_scale\": \"7.5\"}", "cfg_scale"), "7.5");
    CHECK_STR(native("{\"batch_size\": 2, \"n_iter\": 3}", "count"), "6");
    CHECK_STR(native("{\"sampler_name\": \"DPM++ 2M\"}", "scheduler"), "\"karras\"");
    CHECK_STR(native("{\"sampler_index\": \"Euler\"}", "sampler"), "\"euler\"");
    CHECK_STR(native("{\"sampler_index\": \"Euler\", \"sampler_name\": \"DDIM\"}", "sampler"), "\"ddim\"");
    CHECK_STR(native("{\"override_settings\": {\"sd_model_checkpoint\": \"second\"}}", "model"),
              "\"second\"");
    CHECK_STR(native("{\"clip_skip\": 2}", "clip_skip"), "1");
    CHECK_STR(
        native("{\"clip_skip\": 2, \"override_settings\": {\"CLIP_stop_at_last_layers\": 1}}", "clip_skip"),
        "0");
    CHECK_STR(native("{\"denoising_strength\": 0.3}", "strength"), "absent");
    finish();
}

TEST(what_stands_holds_until_a_request_says_otherwise)
{
    standing = (struct a1111_settings){.model = 1, .stop_at_last_layers = 2};
    CHECK_STR(native("{}", "model"), "\"second\"");
    CHECK_STR(native("{}", "clip_skip"), "1");
    CHECK_STR(native("{\"override_settings\": {\"sd_model_checkpoint\": \"first\"}}", "model"), "\"first\"");
    CHECK_STR(native("{\"override_settings\": {\"CLIP_stop_at_last_layers\": 1}}", "clip_skip"), "0");
    finish();
}

TEST(img2img_has_a_picture_and_a_strength)
{
    CHECK(decode_as(A1111_IMG2IMG, "{\"init_images\": [\"AAAA\"]}"));
    CHECK_STR(printed(ltd_json_get(asked.native, "image")), "\"AAAA\"");
    CHECK_STR(printed(ltd_json_get(asked.native, "strength")), "0.75");
    CHECK(!ltd_json_get(asked.echo, "init_images"));
    CHECK(decode_as(A1111_IMG2IMG, "{\"init_images\": [\"AAAA\"], \"denoising_strength\": 0.2,"
                                   " \"include_init_images\": true}"));
    CHECK_STR(printed(ltd_json_get(asked.native, "strength")), "0.2");
    CHECK_STR(printed(ltd_json_get(asked.echo, "init_images")), "[\"AAAA\"]");
    CHECK(!decode_as(A1111_IMG2IMG, "{}"));
    CHECK_INT(refusal.status, 404);
    CHECK(!decode_as(A1111_IMG2IMG, "{\"init_images\": [\"a\", \"b\"]}"));
    CHECK_INT(refusal.status, 422);
    finish();
}

TEST(everything_that_is_wrong_is_told_at_once)
{
    CHECK_STR(places("{\"seed\": -2, \"restore_faces\": true, \"steps\": \"x\", \"n_iter\": 0}"),
              "restore_faces steps seed n_iter");
    CHECK_STR(places("{\"override_settings\": {\"sd_vae\": \"x\", \"CLIP_stop_at_last_layers\": 0}}"),
              "override_settings/sd_vae override_settings/CLIP_stop_at_last_layers");
    CHECK_STR(places("{\"prompt\": \"<hypernet:a:1>\", \"negative_prompt\": \"<lora:a:1>\"}"),
              "prompt negative_prompt");
    CHECK_STR(places("{\"prompt\": \"<lora:a:1>\"}"), "none");
    CHECK_STR(places("{\"prompt\": \"<lora:a:b>\"}"), "prompt");
    CHECK_STR(places("{\"prompt\": \"<lora:a:1:1:1>\"}"), "prompt");
    CHECK_STR(places("{\"prompt\": \"<lora::1>\"}"), "prompt");
    CHECK_STR(places("{\"prompt\": \"<lora:a:1>\", \"disable_extra_networks\": true}"), "none");
    CHECK_STR(places("{\"sampler_name\": \"DPM adaptive\", \"steps\": \"x\"}"), "invalid");
    CHECK_INT(refusal.status, 400);
    CHECK_STR(places("{\"batch_size\": 1e10, \"n_iter\": 1e10}"), "batch_size");
    CHECK_STR(places("[]"), "");
    CHECK_INT(refusal.status, 422);
    finish();
}

TEST(eta_is_heard_where_it_has_a_part)
{
    CHECK_STR(native("{\"sampler_name\": \"Euler a\", \"eta\": 0.3}", "eta"), "0.3");
    CHECK_STR(native("{\"sampler_name\": \"Euler a\", \"eta\": 0}", "eta"), "0");
    CHECK_STR(native("{\"sampler_name\": \"DDIM\", \"eta\": 1}", "eta"), "1");
    CHECK_STR(native("{\"sampler_name\": \"DPM++ SDE\", \"eta\": 0.5}", "eta"), "0.5");
    CHECK_INT(asked.note_count, 0);
    CHECK_STR(native("{\"sampler_name\": \"Euler\", \"eta\": 0.3}", "sampler"), "\"euler\"");
    CHECK_INT(asked.note_count, 0);
    CHECK_STR(native("{\"sampler_name\": \"DPM++ 2M SDE\", \"eta\": 0.5}", "eta"), "0.5");
    CHECK_STR(native("{\"sampler_name\": \"DPM++ 3M SDE\", \"eta\": 0}", "eta"), "0");
}

TEST(churn_is_heard_where_it_has_a_part)
{
    const char *all =
        "{\"sampler_name\": \"Heun\", \"s_churn\": 4, \"s_tmin\": 0.5, \"s_tmax\": 9, \"s_noise\": 1.1}";
    const char *off =
        "{\"sampler_name\": \"Heun\", \"s_churn\": 0, \"s_tmin\": 0.5, \"s_tmax\": 0, \"s_noise\": 0.9}";

    CHECK_STR(native(all, "s_churn"), "4");
    CHECK_STR(native(all, "s_tmin"), "0.5");
    CHECK_STR(native(all, "s_tmax"), "9");
    CHECK_STR(native(all, "s_noise"), "1.1");
    CHECK_STR(native(off, "s_tmin"), "absent");
    CHECK_STR(native(off, "s_noise"), "absent");
    CHECK_STR(native("{\"sampler_name\": \"LMS\", \"s_churn\": 4, \"s_noise\": 0.9}", "s_churn"), "absent");
    CHECK_STR(native("{\"sampler_name\": \"DPM++ SDE\", \"s_noise\": 0.9}", "s_noise"), "0.9");
    CHECK_STR(native("{\"sampler_name\": \"Euler a\", \"s_noise\": 0.9}", "s_noise"), "absent");
}

#define UNITS(units) "{\"alwayson_scripts\": {\"ControlNet\": {\"args\": [" units "]}}}"
#define UNIT         "alwayson_scripts/controlnet/args/"

/* The models here have no ControlNets. */
TEST(units_are_refused_by_their_fields_and_those_that_are_off_are_not_looked_at)
{
    CHECK_STR(native(UNITS(""), "controls"), "absent");
    CHECK_STR(native(UNITS("null, {\"enabled\": false, \"model\": 3}, {\"enabled\": 0}"), "controls"),
              "absent");
    CHECK_STR(places(UNITS("{\"model\": \"x\", \"image\": \"AAAA\"}")), UNIT "0/model");
    CHECK_STR(places(UNITS("null, {\"weight\": \"x\", \"loopback\": 1, \"control_mode\": 2}")),
              UNIT "1/weight " UNIT "1/loopback " UNIT "1/model " UNIT "1/image " UNIT "1/control_mode");
    CHECK_STR(places(UNITS("3")), UNIT "0");
    CHECK_STR(places("{\"alwayson_scripts\": {\"Other\": {}, \"controlnet\": {}}}"),
              "alwayson_scripts alwayson_scripts/controlnet/args");
    finish();
}

TEST(notes_are_bounded_and_cut_at_characters)
{
    char body[4096] = "{\"\xE2\x82\xAC";

    for (int i = 0; i < 40; i++)
        strcat(body, "\xE2\x82\xAC");
    strcat(body, "\": 1");
    for (int i = 0; i < 40; i++)
        snprintf(body + strlen(body), 32, ", \"no%d\": 1", i);
    strcat(body, "}");
    REQUIRE(decode(body));
    CHECK_INT(asked.note_count, JOB_MAX_WARNINGS);
    CHECK_INT(strlen(asked.notes[0].field), 63);
    CHECK_STR(asked.notes[1].field, "no0");
    finish();
}

TEST(a_request_is_dressed)
{
    struct job_request *request = job_request_new();
    char tag[A1111_TAG_SIZE];

    REQUIRE(request);
    CHECK(!a1111_task_of(request));
    REQUIRE(decode("{\"force_task_id\": \"task(a)\", \"nothing\": 1, \"auth\": \"secret\", \"steps\": 3}"));
    REQUIRE(a1111_dress_request(&asked, request));
    CHECK_INT(request->family, JOB_A1111);
    CHECK(request->detach);
    CHECK(job_request_has_tag(request, a1111_tag("task(a)", tag)));
    CHECK_STR(a1111_task_of(request), "task(a)");
    CHECK_INT(request->warning_count, 1);
    CHECK_STR(request->warnings[0].field, "nothing");
    CHECK_STR(request->echo, "{\"steps\":3,\"force_task_id\":\"task(a)\"}");
    job_request_unref(request);
    finish();
}
