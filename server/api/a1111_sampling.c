#include "api/a1111_sampling.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { A1111_LACKING = -1 };

struct sampler_row {
    const char *name, *also;
    int ours;
    enum ltd_scheduler automatic;
    bool takes_scheduler;
};

static const struct sampler_row samplers[] = {
#define A1111_SAMPLER(name, also, ours, automatic, takes_scheduler) \
    {name, also, ours, automatic, takes_scheduler},
#include "api/a1111_samplers.def"
#undef A1111_SAMPLER
};

struct scheduler_row {
    const char *name, *label, *also;
    int ours;
    double rho;
    bool needs_model;
};

static const struct scheduler_row schedulers[] = {
#define A1111_SCHEDULER(name, label, also, ours, rho, needs_model) \
    {name, label, also, ours, rho, needs_model},
#include "api/a1111_schedulers.def"
#undef A1111_SCHEDULER
};

enum {
    SAMPLERS = sizeof samplers / sizeof samplers[0],
    SCHEDULERS = sizeof schedulers / sizeof schedulers[0]
};

static bool is_name(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && strncasecmp(name, text, length) == 0;
}

/* Whether text[0..length) is one of the words of a list with | between. */
static bool is_one_of(const char *words, const char *text, size_t length)
{
    while (*words) {
        const size_t each = strcspn(words, "|");

        if (each == length && strncasecmp(words, text, length) == 0)
            return true;
        words += each;
        words += *words == '|';
    }
    return false;
}

static const struct sampler_row *find_sampler(const char *text, size_t length)
{
    for (size_t i = 0; i < SAMPLERS; i++)
        if (is_name(samplers[i].name, text, length) || is_one_of(samplers[i].also, text, length))
            return &samplers[i];
    return NULL;
}

static const struct scheduler_row *find_scheduler(const char *text)
{
    const size_t length = strlen(text);

    for (size_t i = 0; i < SCHEDULERS; i++)
        if (is_name(schedulers[i].name, text, length) || is_name(schedulers[i].label, text, length) ||
            is_one_of(schedulers[i].also, text, length))
            return &schedulers[i];
    return NULL;
}

/* Also of a name with a scheduler's behind it, which *scheduler then points to. */
static const struct sampler_row *split_sampler(const char *text, const struct scheduler_row **scheduler)
{
    const struct sampler_row *row = find_sampler(text, strlen(text));

    for (const char *space = text; !row && (space = strchr(space, ' ')) != NULL; space++) {
        *scheduler = find_scheduler(space + 1);
        if (*scheduler)
            row = find_sampler(text, (size_t)(space - text));
    }
    return row;
}

static const struct sampler_row *row_of(enum ltd_sampler sampler)
{
    size_t i = 0;

    while (i < SAMPLERS && samplers[i].ours != (int)sampler)
        i++;
    assert(i < SAMPLERS); /* each of ours has a row, which the tests see to */
    return &samplers[i];
}

enum a1111_match a1111_sampling_find(const char *sampler, const char *scheduler, enum ltd_sampler standard,
                                     struct a1111_sampling *out)
{
    const struct scheduler_row *inside = NULL, *beside = NULL, *chosen;
    const struct sampler_row *row = row_of(standard);
    struct a1111_sampling found = {.names_sampler = sampler && *sampler};

    if (found.names_sampler)
        row = split_sampler(sampler, &inside);
    if (!row || row->ours == A1111_LACKING)
        return A1111_SAMPLER_UNKNOWN;
    if (scheduler && *scheduler) {
        beside = find_scheduler(scheduler);
        if (!beside)
            return A1111_SCHEDULER_UNKNOWN;
    }
    chosen = inside ? inside : beside;
    if (chosen && chosen->ours == A1111_LACKING)
        return A1111_SCHEDULER_UNKNOWN;
    found.sampler = (enum ltd_sampler)row->ours;
    found.scheduler = row->automatic;
    found.names_two_schedulers = inside && beside && inside != beside && beside->ours != LTD_SCHEDULER_MODEL;
    if (chosen && chosen->ours != LTD_SCHEDULER_MODEL) {
        found.names_scheduler = row->takes_scheduler;
        found.scheduler_has_no_part = !row->takes_scheduler;
        if (row->takes_scheduler)
            found.scheduler = (enum ltd_scheduler)chosen->ours;
    }
    *out = found;
    return A1111_FOUND;
}

const char *a1111_sampler_name(enum ltd_sampler sampler)
{
    return row_of(sampler)->name;
}

const char *a1111_scheduler_label(enum ltd_scheduler scheduler)
{
    size_t i = 0;

    while (i < SCHEDULERS && schedulers[i].ours != (int)scheduler)
        i++;
    assert(i < SCHEDULERS);
    return schedulers[i].label;
}

static struct ltd_json *encode_words(const char *words)
{
    struct ltd_json *json = ltd_json_new_array();

    while (*words) {
        const size_t length = strcspn(words, "|");
        char word[64];

        memcpy(word, words, length);
        word[length] = '\0';
        ltd_json_append(json, ltd_json_new_string(word));
        words += length;
        words += *words == '|';
    }
    return json;
}

struct ltd_json *a1111_samplers_encode(void)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < SAMPLERS; i++) {
        struct ltd_json *row, *options;

        if (samplers[i].ours == A1111_LACKING)
            continue;
        row = ltd_json_new_object();
        options = ltd_json_new_object();
        ltd_json_add(row, "name", ltd_json_new_string(samplers[i].name));
        ltd_json_add(row, "aliases", encode_words(samplers[i].also));
        if (samplers[i].automatic != LTD_SCHEDULER_MODEL)
            ltd_json_add(options, "scheduler",
                         ltd_json_new_string(ltd_scheduler_name(samplers[i].automatic)));
        ltd_json_add(row, "options", options);
        ltd_json_append(list, row);
    }
    return list;
}

struct ltd_json *a1111_schedulers_encode(void)
{
    struct ltd_json *list = ltd_json_new_array();

    for (size_t i = 0; i < SCHEDULERS; i++) {
        const struct scheduler_row *from = &schedulers[i];
        struct ltd_json *row;

        if (from->ours == A1111_LACKING)
            continue;
        row = ltd_json_new_object();
        ltd_json_add(row, "name", ltd_json_new_string(from->name));
        ltd_json_add(row, "label", ltd_json_new_string(from->label));
        ltd_json_add(row, "aliases", *from->also ? encode_words(from->also) : ltd_json_new_null());
        ltd_json_add(row, "default_rho", ltd_json_new_number(from->rho > 0 ? from->rho : -1));
        ltd_json_add(row, "need_inner_model", ltd_json_new_bool(from->needs_model));
        ltd_json_append(list, row);
    }
    return list;
}

int a1111_upscaler_find(const char *name)
{
    static const struct {
        const char *name;
        enum ltd_hr_upscaler upscaler;
    } names[] = {{"Latent", LTD_HR_LATENT},
                 {"Latent (antialiased)", LTD_HR_LATENT}, /* which making larger has no use for */
                 {"Latent (nearest)", LTD_HR_LATENT_NEAREST},
                 {"Lanczos", LTD_HR_LANCZOS},
                 {"None", LTD_HR_LANCZOS}};

    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i].name, name) == 0)
            return (int)names[i].upscaler;
    return name ? -1 : (int)LTD_HR_LATENT;
}
