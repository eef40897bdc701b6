#include "api/a1111_sampling.h"

#include "check.h"

static struct a1111_sampling found;

static enum a1111_match find(const char *sampler, const char *scheduler)
{
    return a1111_sampling_find(sampler, scheduler, LTD_SAMPLER_DDIM, &found);
}

static void finds(const char *name, const char *scheduler, enum ltd_sampler wanted,
                  enum ltd_scheduler wanted_scheduler)
{
    if (find(name, scheduler) != A1111_FOUND || found.sampler != wanted ||
        found.scheduler != wanted_scheduler)
        check_failed(__FILE__, __LINE__, "\"%s\" with \"%s\" is another", name ? name : "",
                     scheduler ? scheduler : "");
}

TEST(ours_have_names_there_and_are_found_by_them)
{
    for (int i = 0; i < LTD_SAMPLER_COUNT; i++) {
        CHECK_INT(find(a1111_sampler_name((enum ltd_sampler)i), NULL), A1111_FOUND);
        CHECK_INT(found.sampler, i);
        CHECK_INT(find(ltd_sampler_name((enum ltd_sampler)i), NULL), A1111_FOUND);
        CHECK_INT(found.sampler, i);
    }
    for (int i = 0; i < LTD_SCHEDULER_COUNT; i++) {
        CHECK_INT(find("Euler", a1111_scheduler_label((enum ltd_scheduler)i)), A1111_FOUND);
        CHECK_INT(found.scheduler, i);
        CHECK_INT(find("Euler", ltd_scheduler_name((enum ltd_scheduler)i)), A1111_FOUND);
        CHECK_INT(found.scheduler, i);
    }
}

TEST(names_aliases_and_labels_are_found_in_any_case)
{
    finds("Euler a", NULL, LTD_SAMPLER_EULER_A, LTD_SCHEDULER_MODEL);
    finds("K_EULER_A", "", LTD_SAMPLER_EULER_A, LTD_SCHEDULER_MODEL);
    finds("Euler ancestral", NULL, LTD_SAMPLER_EULER_A, LTD_SCHEDULER_MODEL);
    finds("ddim", "automatic", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL);
    finds("plms", NULL, LTD_SAMPLER_PNDM, LTD_SCHEDULER_MODEL);
    finds("Euler", "sgmuniform", LTD_SAMPLER_EULER, LTD_SCHEDULER_SGM_UNIFORM);
    finds("Euler", "Polyexponential", LTD_SAMPLER_EULER, LTD_SCHEDULER_POLYEXPONENTIAL);
}

TEST(automatic_is_what_the_sampler_runs_with_there)
{
    finds("DPM++ 2M", NULL, LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_KARRAS);
    finds("DPM++ 2M", "Automatic", LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_KARRAS);
    CHECK(!found.names_scheduler);
    finds("DPM++ 2M", "uniform", LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_NORMAL);
    CHECK(found.names_scheduler);
}

TEST(a_scheduler_may_stand_behind_the_sampler)
{
    finds("DPM++ 3M SDE", NULL, LTD_SAMPLER_DPMPP_3M_SDE, LTD_SCHEDULER_EXPONENTIAL);
    finds("DPM2 a Karras", NULL, LTD_SAMPLER_DPM2_A, LTD_SCHEDULER_KARRAS);
    finds("DPM++ 2M Karras", NULL, LTD_SAMPLER_DPMPP_2M, LTD_SCHEDULER_KARRAS);
    finds("Euler a SGM Uniform", NULL, LTD_SAMPLER_EULER_A, LTD_SCHEDULER_SGM_UNIFORM);
    finds("Euler Karras", "Automatic", LTD_SAMPLER_EULER, LTD_SCHEDULER_KARRAS);
    CHECK(!found.names_two_schedulers);
    finds("Euler Karras", "Exponential", LTD_SAMPLER_EULER, LTD_SCHEDULER_KARRAS);
    CHECK(found.names_two_schedulers);
    finds("Euler Karras", "karras", LTD_SAMPLER_EULER, LTD_SCHEDULER_KARRAS);
    CHECK(!found.names_two_schedulers);
}

TEST(what_spaces_its_steps_itself_takes_no_scheduler)
{
    finds("DDIM", "Karras", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL);
    CHECK(found.scheduler_has_no_part && !found.names_scheduler);
    finds("", "Karras", LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL);
    CHECK(found.scheduler_has_no_part && !found.names_sampler);
    finds(NULL, NULL, LTD_SAMPLER_DDIM, LTD_SCHEDULER_MODEL);
    CHECK(!found.scheduler_has_no_part && !found.names_sampler && !found.names_scheduler);
}

TEST(what_is_unknown_or_lacking_is_told_apart_from_the_rest)
{
    static const char *const samplers[] = {"DDIM CFG++", "DPM adaptive",    "DPM++ 2M SDE Heun",
                                           "nobody",     "Karras",          " ",
                                           "Euler b",    "DPM++ 2M  Karras"};

    for (size_t i = 0; i < COUNT(samplers); i++)
        CHECK_INT(find(samplers[i], NULL), A1111_SAMPLER_UNKNOWN);
    CHECK_INT(find("DPM adaptive Karras", NULL), A1111_SAMPLER_UNKNOWN);
    CHECK_INT(find("Euler", "turbo"), A1111_SCHEDULER_UNKNOWN);
    CHECK_INT(find("Euler", "nothing"), A1111_SCHEDULER_UNKNOWN);
    CHECK_INT(find("Euler Turbo", NULL), A1111_SCHEDULER_UNKNOWN);
}

TEST(the_lists_have_what_is_built_and_nothing_else)
{
    struct ltd_json *samplers = a1111_samplers_encode(), *schedulers = a1111_schedulers_encode();

    CHECK_INT(ltd_json_size(samplers), LTD_SAMPLER_COUNT);
    for (const struct ltd_json *row = ltd_json_first(samplers); row; row = ltd_json_next(row))
        CHECK_INT(find(ltd_json_string(ltd_json_get(row, "name")), NULL), A1111_FOUND);
    for (const struct ltd_json *row = ltd_json_first(schedulers); row; row = ltd_json_next(row))
        CHECK_INT(find("Euler", ltd_json_string(ltd_json_get(row, "name"))), A1111_FOUND);
    CHECK_STR(ltd_json_string(ltd_json_get(ltd_json_first(schedulers), "label")), "Automatic");
    ltd_json_free(samplers);
    ltd_json_free(schedulers);
}
