/* test_xl_model.c - models with two text encoders: what they are, what is refused, and how they are planned.
 */
#include <latentd/model.h>
#include <latentd/session.h>

#include <stdio.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"
#include "sessions.h"

#define SDXL    "tests/parity/fixtures/sdxl/model"
#define REFINER "tests/parity/fixtures/refiner/model"
#define LCM     "tests/parity/fixtures/lcm/model"

/* Opens a copy of the model with `to` in place of `from` in a file of it, which must fail with these words.
 */
static void expect_refused(int line, const char *file, const char *from, const char *to, const char *words)
{
    struct ltd_model *model = NULL;
    struct ltd_error err = {.message = "it opens"};
    char dir[1024], path[2048];

    REQUIRE(model_copy_make(SDXL, dir, sizeof dir));
    snprintf(path, sizeof path, "%s/%s", dir, file);
    CHECK(change_text(path, from, to));
    if (ltd_model_open(dir, &model, &err) == LTD_OK || !strstr(err.message, words))
        check_failed(__FILE__, line, "'%s' has no '%s'", err.message, words);
    ltd_model_close(model);
    model_copy_remove(dir);
}

TEST(families_are_told_from_their_parts)
{
    static const struct {
        const char *dir, *family;
        int text_layers; /* of the encoder with the fewest; XL never takes the last one */
    } rows[] = {{SDXL, "sdxl", 2}, {REFINER, "sdxl-refiner", 2}, {LCM, "sd1", 2}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *model = open_model(rows[i].dir);

        CHECK_STR(ltd_model_info(model)->family, rows[i].family);
        CHECK_INT(ltd_model_info(model)->text_layers, rows[i].text_layers);
        ltd_model_close(model);
    }
}

TEST(parts_of_xl_that_do_not_fit_are_refused)
{
    expect_refused(__LINE__, "tokenizer_2/merges.txt", "#version: 0.2", "#version: 0.3",
                   "the two tokenizers must have the same merges.txt");
    expect_refused(__LINE__, "unet/config.json", "\"addition_time_embed_dim\": 8",
                   "\"addition_time_embed_dim\": 9", "not a pooled text of 12 and 6 or 5 sizes of 9");
    expect_refused(__LINE__, "unet/config.json", "\"addition_time_embed_dim\": 8",
                   "\"addition_time_embed_dim\": null", "needs addition_time_embed_dim");
    expect_refused(__LINE__, "unet/config.json", "\"addition_embed_type\": \"text_time\"",
                   "\"addition_embed_type\": \"image\"", "addition_embed_type");
    expect_refused(__LINE__, "text_encoder_2/config.json", "\"projection_dim\": 12", "\"projection_dim\": 11",
                   "text_projection.weight");
}

TEST(embeddings_are_for_both_encoders_or_refused)
{
    struct ltd_model *model = open_model(SDXL);

    CHECK_INT(ltd_model_add_embeddings(model, "tests/parity/fixtures/prompts/embeddings", NULL), LTD_OK);
    REQUIRE(ltd_model_embedding_count(model) > 0);
    for (size_t i = 0; i < ltd_model_embedding_count(model); i++) {
        const struct ltd_embedding e = ltd_model_embedding(model, i);

        CHECK(e.refused && strstr(e.refused, "two text encoders") && e.vectors == 0);
    }
    ltd_model_close(model);
    model = open_model(SDXL);
    CHECK_INT(ltd_model_add_embeddings(model, "tests/parity/fixtures/prompts-xl/embeddings", NULL), LTD_OK);
    CHECK_INT(ltd_model_embedding_count(model), 2);
    CHECK(!ltd_model_embedding(model, 0).refused && ltd_model_embedding(model, 0).vectors == 2);
    ltd_model_close(model);
}

TEST(loras_for_two_encoders_are_for_xl_alone)
{
    static const struct {
        const char *model;
        bool fits;
        const char *words;
    } rows[] = {{SDXL, true, ""},
                {REFINER, false, "made for another model"},
                {"tests/parity/fixtures/sd15/model", false, "a text encoder that this model does not have"}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_model *model = open_model(rows[i].model);

        CHECK_INT(ltd_model_add_loras(model, "tests/parity/fixtures/loras-xl/loras", NULL), LTD_OK);
        CHECK_INT(ltd_model_lora_count(model), 2);
        for (size_t k = 0; k < ltd_model_lora_count(model); k++) {
            const struct ltd_lora_info lora = ltd_model_lora(model, k);

            CHECK((lora.refused == NULL) == rows[i].fits);
            if (!rows[i].fits && !strstr(lora.refused, rows[i].words))
                check_failed(__FILE__, __LINE__, "'%s' has no '%s'", lora.refused, rows[i].words);
        }
        ltd_model_close(model);
    }
}

static void find_warning(void *arg, bool warning, const char *field, const char *message)
{
    *(bool *)arg |= warning && strcmp(field, "clip_skip") == 0 && strstr(message, "AUTOMATIC1111");
}

TEST(clip_skip_that_automatic1111_does_not_take_is_a_warning)
{
    struct ltd_model *model = open_model(SDXL);
    struct ltd_gen_params p = ltd_params_default(model);
    bool warned = false;

    p.clip_skip = 1;
    CHECK(ltd_params_check(model, &p, find_warning, &warned) && !warned);
    p.profile = LTD_PROFILE_A1111;
    CHECK(ltd_params_check(model, &p, find_warning, &warned) && warned);
    p.clip_skip = 2;
    CHECK(!ltd_params_check(model, &p, NULL, NULL));
    ltd_model_close(model);
}

/* Prompts of AUTOMATIC1111's grammar: several chunks, parts, texts that change, an empty negative one. */
TEST(planned_bytes_are_used_bytes_and_threads_change_nothing)
{
    static const struct {
        const char *prompt, *negative;
        enum ltd_profile profile;
        double cfg_scale, guidance_end;
    } rows[] = {
        {"a red fox!", "ugly", LTD_PROFILE_DIFFUSERS, 7, 1},
        {"a red fox!", "", LTD_PROFILE_DIFFUSERS, 7, 0.5},
        {"a red fox", "ugly", LTD_PROFILE_DIFFUSERS, 1, 1},
        {"a (red:1.4) fox BREAK in the snow", "", LTD_PROFILE_A1111, 7, 1},
        {"a [red:blue:0.5] fox AND the (old:0.7) house BREAK by the river", "low [a|b]", LTD_PROFILE_A1111, 7,
         1},
    };
    struct ltd_model *model = open_model(SDXL);

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ltd_gen_params p = ltd_params_default(model);
        struct ltd_image *one, *three;

        p.prompt = rows[i].prompt;
        p.negative_prompt = rows[i].negative;
        p.profile = rows[i].profile;
        p.cfg_scale = rows[i].cfg_scale;
        p.guidance_end = rows[i].guidance_end;
        p.steps = 4;
        p.width = p.height = 64;
        one = draw_as_planned(__LINE__, model, &p, 1);
        three = draw_as_planned(__LINE__, model, &p, 3);
        CHECK(one && three && memcmp(one->pixels, three->pixels, 64 * 64 * 3) == 0);
        ltd_image_free(one);
        ltd_image_free(three);
    }
    ltd_model_close(model);
}
