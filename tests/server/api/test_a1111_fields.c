#include "api/a1111_fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct a1111_value values[A1111_FIELD_COUNT];
static struct a1111_refusal refusal;
static char unknown[256];

static void on_unknown(void *arg, const char *name)
{
    (void)arg;
    strcat(unknown, name);
    strcat(unknown, " ");
}

static int wrong_as(enum a1111_route route, const char *body)
{
    struct ltd_json *document = NULL;
    int count;

    unknown[0] = '\0';
    if (ltd_json_parse(body, strlen(body), &ltd_json_request_limits, &document, NULL) != LTD_OK)
        return -1;
    a1111_fields_read(document, route, values, on_unknown, NULL, &refusal);
    count = refusal.count;
    a1111_refusal_fini(&refusal);
    ltd_json_free(document);
    return count;
}

static int wrong(const char *body)
{
    return wrong_as(A1111_TXT2IMG, body);
}

TEST(standards_are_json_that_is_not_refused)
{
    for (int i = 0; i < A1111_FIELD_COUNT; i++) {
        char body[256];

        if (!*a1111_field_standard((enum a1111_field)i))
            continue;
        snprintf(body, sizeof body, "{\"%s\": %s}", a1111_field_name((enum a1111_field)i),
                 a1111_field_standard((enum a1111_field)i));
        if (wrong_as(a1111_field_is_of((enum a1111_field)i, A1111_TXT2IMG) ? A1111_TXT2IMG : A1111_IMG2IMG,
                     body) != 0 ||
            unknown[0])
            check_failed(__FILE__, __LINE__, "%s is refused", body);
    }
}

TEST(types_are_read_as_pydantic_reads_them)
{
    CHECK_INT(wrong("{\"steps\": 1, \"cfg_scale\": 2, \"tiling\": false, \"prompt\": \"\", \"styles\": []}"),
              0);
    CHECK_INT(wrong("{\"steps\": \"7\", \"cfg_scale\": \"2.5\", \"tiling\": 0}"), 0);
    CHECK_INT(values[A1111_STEPS].magnitude, 7);
    CHECK_NEAR(values[A1111_CFG_SCALE].number, 2.5, 0);
    CHECK_INT(wrong("{\"seed\": -9223372036854775808}"), 0);
    CHECK(values[A1111_SEED].magnitude == 9223372036854775808u);
    CHECK_INT(wrong("{\"seed\": 1e300}"), 0);
    CHECK(!values[A1111_SEED].fits);
    CHECK_INT(wrong("{\"seed\": 18446744073709551615}"), 0);
    CHECK(values[A1111_SEED].fits && values[A1111_SEED].magnitude == UINT64_MAX);
    CHECK_INT(wrong("{\"seed\": 18446744073709551616}"), 0);
    CHECK(!values[A1111_SEED].fits);
    CHECK_INT(wrong("{\"seed\": 1e19}"), 0);
    CHECK(values[A1111_SEED].fits && values[A1111_SEED].magnitude == 10000000000000000000u);
    CHECK_INT(wrong("{\"steps\": \"x\", \"cfg_scale\": true, \"tiling\": 2, \"prompt\": 1, \"styles\": {}}"),
              5);
    CHECK_INT(wrong("{\"steps\": 1.5}"), 1);
    CHECK_INT(wrong("{\"steps\": \"[]\"}"), 1);
    CHECK_INT(wrong("{\"steps\": \"\"}"), 1);
    CHECK_INT(wrong("{\"steps\": null, \"prompt\": null, \"override_settings\": null}"), 0);
    CHECK(!values[A1111_STEPS].present);
}

TEST(what_may_only_be_off_is_refused_when_it_is_on)
{
    CHECK_INT(
        wrong("{\"restore_faces\": true, \"s_min_uncond\": 0.1, \"styles\": [1], \"script_name\": \"x\"}"),
        4);
    CHECK_INT(wrong("{\"script_name\": \"None\", \"s_min_uncond\": -1, \"alwayson_scripts\": {}}"), 0);
    CHECK_INT(wrong_as(A1111_IMG2IMG, "{\"initial_noise_multiplier\": 1}"), 0);
    CHECK_INT(wrong_as(A1111_IMG2IMG, "{\"initial_noise_multiplier\": 0}"), 1);
    CHECK_INT(wrong_as(A1111_IMG2IMG, "{\"mask_round\": true}"), 0);
    CHECK_INT(wrong_as(A1111_IMG2IMG, "{\"mask_round\": false}"), 1);
}

TEST(each_route_has_its_fields)
{
    CHECK_INT(wrong("{\"init_images\": [], \"hr_scale\": 2, \"x\": 1}"), 0);
    CHECK_STR(unknown, "init_images x ");
    CHECK_INT(wrong_as(A1111_IMG2IMG, "{\"init_images\": [], \"hr_scale\": 2, \"latent_mask\": \"a\"}"), 1);
    CHECK_STR(unknown, "hr_scale ");
    CHECK_STR(a1111_place_of("/count"), "batch_size");
    CHECK_STR(a1111_place_of("/controls/0/end"), "alwayson_scripts");
    CHECK(!a1111_place_of("/controlsx"));
    CHECK_STR(a1111_place_of("/clip_skip"), "override_settings/CLIP_stop_at_last_layers");
    CHECK(!a1111_place_of("/nothing"));
}

/* The lines of docs/a1111.md that come from the tables. */
static char *page;

static void says(const char *line)
{
    char whole[1024];

    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (!page || !strstr(page, whole))
        check_failed(__FILE__, __LINE__, "docs/a1111.md lacks the line\n%s", line);
}

static void says_field(const char *name, const char *where, const char *effect, const char *why)
{
    char line[1000];

    snprintf(line, sizeof line, "| `%s` | %s | %s | %s |", name, where, effect, why);
    says(line);
}

static const char *effect_of(const char *word)
{
    return strcmp(word, "OFF") == 0     ? "refused when on"
           : strcmp(word, "ONE") == 0   ? "refused unless 1"
           : strcmp(word, "ON") == 0    ? "refused when off"
           : strcmp(word, "INERT") == 0 ? "inert"
           : strcmp(word, "FIXED") == 0 ? "refused unless standard"
                                        : "honoured";
}

static size_t count_lines(const char *start)
{
    size_t count = 0;

    for (const char *at = page; (at = strstr(at, start)); at++)
        count++;
    return count;
}

TEST(the_page_says_what_the_tables_say)
{
    FILE *file = fopen("docs/a1111.md", "r");
    size_t rows = 0;

    page = calloc(1, 65536);
    if (!file || !page || fread(page, 1, 65535, file) == 0)
        check_failed(__FILE__, __LINE__, "docs/a1111.md cannot be read");
#define TXT2IMG "txt2img"
#define IMG2IMG "img2img"
#define BOTH    "both"
#define A1111_FIELD(id, route, name, type, standard, effect, native, why) \
    says_field(name, route, effect_of(#effect), why);                     \
    rows++;
#include "api/a1111_fields.def"
#undef A1111_FIELD
#define A1111_OPTION(name, type, standard, effect, why)  \
    says_field(name, "option", effect_of(#effect), why); \
    rows++;
#include "api/a1111_options.def"
#undef A1111_OPTION
#define A1111_EXTRA(id, name, type, effect, why)         \
    says_field(name, "extras", effect_of(#effect), why); \
    rows++;
#include "api/a1111_extras.def"
#undef A1111_EXTRA
#define A1111_UNIT(id, name, type, effect, why)        \
    says_field(name, "unit", effect_of(#effect), why); \
    rows++;
#include "api/a1111_units.def"
#undef A1111_UNIT
    CHECK_INT(count_lines("\n| `"), rows);
    free(page);
    if (file)
        fclose(file);
}
