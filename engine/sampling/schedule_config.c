#include "sampling/schedule_config.h"

#include <stdlib.h>
#include <string.h>

#include "sampling/sampler_table.h"
#include "sampling/sigma_schedules.h"

#define NONE  INFINITY
#define UNSET NAN

enum { MAX_TRAIN_TIMESTEPS = 100000, MAX_CHOICES = 5 };

enum key_kind { KIND_INTEGER, KIND_NUMBER, KIND_FLAG, KIND_CHOICE };

struct key_row {
    const char *name;
    enum key_kind kind;
    const char *choices[MAX_CHOICES];
    double absent[KEYS_COLUMNS];
};

static const struct key_row rows[KEY_COUNT] = {
#define UNWRAP(...)            __VA_ARGS__
#define INTEGER(key, ...)      {#key, KIND_INTEGER, {NULL}, {__VA_ARGS__}},
#define NUMBER(key, ...)       {#key, KIND_NUMBER, {NULL}, {__VA_ARGS__}},
#define FLAG(key, ...)         {#key, KIND_FLAG, {NULL}, {__VA_ARGS__}},
#define CHOICE(key, list, ...) {#key, KIND_CHOICE, {UNWRAP list}, {__VA_ARGS__}},
#include "sampling/schedule_keys.def"
#undef INTEGER
#undef NUMBER
#undef FLAG
#undef CHOICE
#undef UNWRAP
};

static bool taken_by(const struct key_row *row, int column)
{
    return row->absent[column] != NONE;
}

static bool taken_by_all(const struct key_row *row)
{
    for (int c = 0; c < KEYS_COLUMNS; c++)
        if (!taken_by(row, c))
            return false;
    return true;
}

static int find_choice(const struct key_row *row, const char *text)
{
    for (int i = 0; i < MAX_CHOICES && row->choices[i]; i++)
        if (strcmp(row->choices[i], text) == 0)
            return i;
    return -1;
}

static enum ltd_status wrong_type(const struct key_row *row, const struct ltd_json *json, const char *wanted,
                                  struct ltd_error *err)
{
    return ltd_fail(err, LTD_EFORMAT, "scheduler_config.json: %s is %s, not %s", row->name,
                    ltd_json_type_name(ltd_json_type(json)), wanted);
}

static enum ltd_status read_value(const struct key_row *row, const struct ltd_json *json, double *out,
                                  struct ltd_error *err)
{
    const enum ltd_json_type type = ltd_json_type(json);
    int64_t integer;
    int choice;

    switch (row->kind) {
    case KIND_INTEGER:
        if (!ltd_json_int64(json, &integer) || integer < 0 || integer > MAX_TRAIN_TIMESTEPS)
            return wrong_type(row, json, "an integer of 0 to 100000", err);
        *out = (double)integer;
        return LTD_OK;
    case KIND_NUMBER:
        if (type != LTD_JSON_NUMBER)
            return wrong_type(row, json, "a number", err);
        *out = ltd_json_number(json);
        return LTD_OK;
    case KIND_FLAG:
        if (type != LTD_JSON_BOOL)
            return wrong_type(row, json, "true or false", err);
        *out = ltd_json_bool(json) ? 1 : 0;
        return LTD_OK;
    case KIND_CHOICE:
        if (type != LTD_JSON_STRING)
            return wrong_type(row, json, "a string", err);
        choice = find_choice(row, ltd_json_string(json));
        if (choice < 0 && taken_by_all(row))
            return ltd_fail(err, LTD_EUNSUPPORTED, "scheduler_config.json: %s \"%.64s\" is not supported",
                            row->name, ltd_json_string(json));
        *out = choice;
        return LTD_OK;
    }
    return LTD_OK;
}

static bool may_be_null(const struct key_row *row)
{
    for (int c = 0; c < KEYS_COLUMNS; c++)
        if (isnan(row->absent[c]))
            return true;
    return row->kind == KIND_FLAG;
}

static enum ltd_status read_keys(struct schedule_config *config, const struct ltd_json *json,
                                 struct ltd_error *err)
{
    for (int k = 0; k < KEY_COUNT; k++) {
        const struct ltd_json *member = ltd_json_get(json, rows[k].name);
        enum ltd_status status;

        if (!member)
            continue;
        config->present[k] = true;
        config->value[k] = NAN;
        if (ltd_json_type(member) == LTD_JSON_NULL && may_be_null(&rows[k]))
            continue;
        status = read_value(&rows[k], member, &config->value[k], err);
        if (status != LTD_OK)
            return status;
    }
    return LTD_OK;
}

static int train_timesteps(const struct schedule_config *config)
{
    return (int)(config->present[KEY_num_train_timesteps] ? config->value[KEY_num_train_timesteps]
                                                          : rows[KEY_num_train_timesteps].absent[0]);
}

static enum ltd_status read_trained_betas(struct schedule_config *config, const struct ltd_json *json,
                                          struct ltd_error *err)
{
    const struct ltd_json *betas = ltd_json_get(json, "trained_betas");
    const struct ltd_json *beta;
    const int count = train_timesteps(config);
    int i = 0;

    if (!betas || ltd_json_type(betas) == LTD_JSON_NULL)
        return LTD_OK;
    if (ltd_json_type(betas) != LTD_JSON_ARRAY || ltd_json_size(betas) != (size_t)count)
        return ltd_fail(
            err, LTD_EFORMAT,
            "scheduler_config.json: trained_betas is not an array of num_train_timesteps = %d numbers",
            count);
    config->trained_betas = malloc((size_t)count * sizeof *config->trained_betas);
    if (!config->trained_betas)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the trained betas");
    for (beta = ltd_json_first(betas); beta; beta = ltd_json_next(beta)) {
        if (ltd_json_type(beta) != LTD_JSON_NUMBER)
            return ltd_fail(err, LTD_EFORMAT, "scheduler_config.json: trained_betas[%d] is not a number", i);
        config->trained_betas[i++] = (float)ltd_json_number(beta);
    }
    return LTD_OK;
}

/* UniPC's list of steps without a corrector is not built. */
static void read_disabled(struct schedule_config *config, const struct ltd_json *json)
{
    const struct ltd_json *steps = ltd_json_get(json, "disable_corrector");

    config->disables_corrector = steps && ltd_json_type(steps) == LTD_JSON_ARRAY && ltd_json_size(steps) > 0;
}

static enum ltd_status read_class(struct schedule_config *config, const struct ltd_json *json,
                                  struct ltd_error *err)
{
    const char *name = ltd_json_string(ltd_json_get(json, "_class_name"));

    if (!name)
        return LTD_OK;
    if (strlen(name) >= sizeof config->class_name)
        return ltd_fail(err, LTD_EUNSUPPORTED, "scheduler_config.json: unknown class \"%.64s\"...", name);
    strcpy(config->class_name, name);
    return LTD_OK;
}

/* A class of another family (flow matching, EDM) has no betas, and its defaults would mean nothing here. */
static enum ltd_status check_family(const struct schedule_config *config, struct ltd_error *err)
{
    if (schedule_config_sampler(config) >= 0 || config->trained_betas || config->present[KEY_beta_schedule] ||
        config->present[KEY_beta_start])
        return LTD_OK;
    return ltd_fail(err, LTD_EUNSUPPORTED,
                    "scheduler_config.json: class \"%s\" without betas is not supported", config->class_name);
}

enum ltd_status schedule_config_read(const struct ltd_json *json, struct schedule_config **out,
                                     struct ltd_error *err)
{
    struct schedule_config *config = calloc(1, sizeof *config);
    enum ltd_status status;

    if (!config)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the scheduler configuration");
    if (ltd_json_type(json) != LTD_JSON_OBJECT)
        status = ltd_fail(err, LTD_EFORMAT, "scheduler_config.json is not an object");
    else
        status = read_class(config, json, err);
    if (status == LTD_OK)
        status = read_keys(config, json, err);
    if (status == LTD_OK && train_timesteps(config) < 2)
        status = ltd_fail(err, LTD_EFORMAT, "scheduler_config.json: num_train_timesteps is less than 2");
    if (status == LTD_OK)
        status = read_trained_betas(config, json, err);
    read_disabled(config, json);
    if (status == LTD_OK)
        status = check_family(config, err);
    if (status != LTD_OK)
        goto fail;
    *out = config;
    return LTD_OK;

fail:
    schedule_config_free(config);
    return status;
}

void schedule_config_free(struct schedule_config *config)
{
    if (!config)
        return;
    free(config->trained_betas);
    free(config);
}

void schedule_config_correct(struct schedule_config *config)
{
    config->corrected = true;
}

const char *schedule_config_class(const struct schedule_config *config)
{
    return config->class_name;
}

const char *schedule_config_prediction(const struct schedule_config *config)
{
    const struct key_row *row = &rows[KEY_prediction_type];
    const double value =
        config->present[KEY_prediction_type] ? config->value[KEY_prediction_type] : row->absent[0];

    return row->choices[(int)value];
}

void schedule_config_of_xl(struct schedule_config *config)
{
    config->is_xl = true;
}

void schedule_config_predict(struct schedule_config *config, const char *prediction)
{
    config->present[KEY_prediction_type] = true;
    config->value[KEY_prediction_type] = find_choice(&rows[KEY_prediction_type], prediction);
}

/* The samplers of DPMSolverMultistepScheduler, which its fields tell apart. */
static enum ltd_sampler multistep_sampler(const struct schedule_config *config)
{
    if (config->value[KEY_algorithm_type] != ALGORITHM_SDE_DPMSOLVER_PP ||
        !config->present[KEY_algorithm_type])
        return LTD_SAMPLER_DPMPP_2M;
    return config->present[KEY_solver_order] && config->value[KEY_solver_order] == 3
               ? LTD_SAMPLER_DPMPP_3M_SDE
               : LTD_SAMPLER_DPMPP_2M_SDE;
}

int schedule_config_sampler(const struct schedule_config *config)
{
    for (int s = 0; s < LTD_SAMPLER_COUNT; s++)
        if (*config->class_name && strcmp(sampler_table[s].reference, config->class_name) == 0)
            return s == LTD_SAMPLER_DPMPP_2M ? (int)multistep_sampler(config) : s;
    return -1;
}

/* What the name of a sampler of that class says, whatever the config does. */
static void name_multistep(struct schedule_settings *settings, enum ltd_sampler sampler)
{
    double *algorithm = &settings->value[KEY_algorithm_type], *order = &settings->value[KEY_solver_order];

    switch (sampler) {
    case LTD_SAMPLER_DPMPP_2M:
        if (*algorithm == ALGORITHM_SDE_DPMSOLVER_PP)
            *algorithm = ALGORITHM_DPMSOLVER_PP;
        break;
    case LTD_SAMPLER_DPMPP_2M_SDE:
        *algorithm = ALGORITHM_SDE_DPMSOLVER_PP;
        *order = fmin(*order, 2);
        break;
    case LTD_SAMPLER_DPMPP_3M_SDE:
        *algorithm = ALGORITHM_SDE_DPMSOLVER_PP;
        *order = 3;
        break;
    default:
        break;
    }
}

/* The schedule of sigmas that the config asks for. */
static enum ltd_scheduler own_schedule(const struct schedule_settings *settings)
{
    if (setting_flag(settings, KEY_use_karras_sigmas))
        return LTD_SCHEDULER_KARRAS;
    if (setting_flag(settings, KEY_use_lu_lambdas) || setting_flag(settings, KEY_use_exponential_sigmas))
        return LTD_SCHEDULER_EXPONENTIAL;
    if (setting_flag(settings, KEY_use_beta_sigmas))
        return LTD_SCHEDULER_BETA;
    return LTD_SCHEDULER_MODEL;
}

/* The request's scheduler: a sigma schedule in place of the config's own, or a spacing and none. */
static void replace_schedule(struct schedule_settings *settings, enum ltd_scheduler scheduler)
{
    static const enum schedule_key flags[] = {KEY_use_karras_sigmas, KEY_use_exponential_sigmas,
                                              KEY_use_beta_sigmas, KEY_use_lu_lambdas, KEY_use_flow_sigmas};
    static const double spacings[LTD_SCHEDULER_COUNT] = {[LTD_SCHEDULER_LEADING] = SPACING_LEADING,
                                                         [LTD_SCHEDULER_LINSPACE] = SPACING_LINSPACE,
                                                         [LTD_SCHEDULER_TRAILING] = SPACING_TRAILING};

    if (scheduler == LTD_SCHEDULER_MODEL) {
        settings->schedule = own_schedule(settings);
        return;
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        settings->value[flags[i]] = 0;
    settings->schedule = sigma_schedule_exists(scheduler) ? scheduler : LTD_SCHEDULER_MODEL;
    if (!sigma_schedule_exists(scheduler))
        settings->value[KEY_timestep_spacing] = spacings[scheduler];
}

static enum ltd_status refuse_key(enum schedule_key key, enum ltd_sampler sampler, struct ltd_error *err)
{
    return ltd_fail(
        err, LTD_EUNSUPPORTED,
        "%s of the model's scheduler_config.json is not supported by the sampler %s; take another",
        rows[key].name, ltd_sampler_name(sampler));
}

static enum ltd_status check_settings(const struct schedule_settings *settings, enum ltd_sampler sampler,
                                      struct ltd_error *err)
{
    static const enum schedule_key refused_flags[] = {KEY_thresholding, KEY_use_flow_sigmas};
    const double *value = settings->value;

    for (size_t i = 0; i < sizeof refused_flags / sizeof refused_flags[0]; i++)
        if (setting_flag(settings, refused_flags[i]))
            return refuse_key(refused_flags[i], sampler, err);
    for (int k = 0; k < KEY_COUNT; k++)
        if (rows[k].kind == KIND_CHOICE && k != KEY_variance_type && value[k] < 0)
            return refuse_key((enum schedule_key)k, sampler, err);
    if (value[KEY_algorithm_type] > ALGORITHM_SDE_DPMSOLVER_PP)
        return refuse_key(KEY_algorithm_type, sampler, err);
    if (value[KEY_algorithm_type] == ALGORITHM_DEIS && value[KEY_final_sigmas_type] == FINAL_ZERO)
        return ltd_fail(
            err, LTD_EINVAL,
            "algorithm_type deis of the model's scheduler_config.json does not go to a final sigma of "
            "zero; take another sampler");
    if (value[KEY_variance_type] == VARIANCE_LEARNED || value[KEY_variance_type] == VARIANCE_LEARNED_RANGE)
        return refuse_key(KEY_variance_type, sampler, err);
    if (value[KEY_variance_type] < 0 && sampler_table[sampler].keys == KEYS_DDPM)
        return refuse_key(KEY_variance_type, sampler, err);
    if (value[KEY_predict_x0] == 0)
        return refuse_key(KEY_predict_x0, sampler, err);
    if (value[KEY_solver_order] < 1 || value[KEY_solver_order] > 3)
        return refuse_key(KEY_solver_order, sampler, err);
    if (setting_flag(settings, KEY_use_karras_sigmas) + setting_flag(settings, KEY_use_exponential_sigmas) +
            setting_flag(settings, KEY_use_beta_sigmas) >
        1)
        return ltd_fail(err, LTD_EINVAL,
                        "the model's scheduler_config.json asks for more than one of Karras, exponential and "
                        "beta sigmas; name a scheduler");
    return LTD_OK;
}

/* What the file says of a key, or the class's default, and what a pipeline makes of it.  A scheduler of
 * another class or schedule is made by from_config, which turns values that were defaults back into defaults.
 */
static double read_key(const struct schedule_config *config, int key, enum ltd_sampler sampler,
                       enum ltd_scheduler scheduler)
{
    const bool own = schedule_config_sampler(config) == (int)sampler && scheduler == LTD_SCHEDULER_MODEL;

    if (config->corrected && (config->present[key] || own)) {
        if (key == KEY_steps_offset)
            return 1;
        if (key == KEY_clip_sample)
            return 0;
    }
    return config->present[key] ? config->value[key] : rows[key].absent[sampler_table[sampler].keys];
}

static bool takes(enum ltd_sampler sampler, enum ltd_scheduler scheduler)
{
    if (scheduler == LTD_SCHEDULER_MODEL)
        return true;
    return sampler_table[sampler].takes >= (sigma_schedule_exists(scheduler) ? TAKES_SIGMAS : TAKES_SPACINGS);
}

static enum ltd_status refuse_scheduler(enum ltd_sampler sampler, enum ltd_scheduler scheduler,
                                        struct ltd_error *err)
{
    return ltd_fail(err, LTD_EINVAL, "the sampler %s takes no scheduler %s; take %s, or another sampler",
                    ltd_sampler_name(sampler), ltd_scheduler_name(scheduler),
                    sampler_table[sampler].takes == TAKES_OWN ? "model"
                                                              : "model, leading, linspace or trailing");
}

enum ltd_status schedule_config_resolve(const struct schedule_config *config, enum ltd_sampler sampler,
                                        enum ltd_scheduler scheduler, struct schedule_settings *out,
                                        struct ltd_error *err)
{
    struct schedule_settings settings = {.trained_betas = config->trained_betas, .is_xl = config->is_xl};
    enum ltd_status status;

    if (config->disables_corrector && sampler == LTD_SAMPLER_UNIPC)
        return ltd_fail(
            err, LTD_EUNSUPPORTED,
            "disable_corrector of the model's scheduler_config.json is not supported by the sampler "
            "unipc; take another");
    if (!takes(sampler, scheduler))
        return refuse_scheduler(sampler, scheduler, err);
    for (int k = 0; k < KEY_COUNT; k++)
        settings.value[k] =
            taken_by(&rows[k], sampler_table[sampler].keys) ? read_key(config, k, sampler, scheduler) : NAN;
    replace_schedule(&settings, scheduler);
    name_multistep(&settings, sampler);
    status = check_settings(&settings, sampler, err);
    if (status == LTD_OK)
        *out = settings;
    return status;
}
