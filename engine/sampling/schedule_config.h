/*
 * schedule_config.h - scheduler_config.json as read, and as one sampler sees it.
 *
 * The file is kept as it stands; what it leaves out depends on who asks, because diffusers' from_config gives
 * a missing key the default of the class that is built, and ignores the keys that this class does not know.
 */
#ifndef SCHEDULE_CONFIG_H
#define SCHEDULE_CONFIG_H

#include <math.h>
#include <stdbool.h>

#include "sampling/sampling.h"

enum schedule_key {
#define INTEGER(key, ...) KEY_##key,
#define NUMBER(key, ...)  KEY_##key,
#define FLAG(key, ...)    KEY_##key,
#define CHOICE(key, ...)  KEY_##key,
#include "sampling/schedule_keys.def"
#undef INTEGER
#undef NUMBER
#undef FLAG
#undef CHOICE
    KEY_COUNT
};

/* The columns of schedule_keys.def. */
enum {
    KEYS_DDIM,
    KEYS_DDPM,
    KEYS_PNDM,
    KEYS_LCM,
    KEYS_EULER,
    KEYS_EULER_A,
    KEYS_HEUN,
    KEYS_KDPM,
    KEYS_LMS,
    KEYS_DPM,
    KEYS_UNIPC,
    KEYS_COLUMNS
};

/* The choices, in the order of their rows in schedule_keys.def; -1: a value that has no row there.  The first
 * is what a class does that takes no such key. */
enum { BETAS_LINEAR, BETAS_SCALED_LINEAR, BETAS_SQUARED_COSINE };
enum { PREDICT_EPSILON, PREDICT_V, PREDICT_SAMPLE };
enum { SPACING_LEADING, SPACING_LINSPACE, SPACING_TRAILING };
enum { INTERPOLATE_LINEAR, INTERPOLATE_LOG_LINEAR };
enum { TIMESTEP_DISCRETE, TIMESTEP_CONTINUOUS };
enum { FINAL_ZERO, FINAL_SIGMA_MIN };
enum { ALGORITHM_DPMSOLVER_PP, ALGORITHM_DEIS, ALGORITHM_SDE_DPMSOLVER_PP };
enum { SOLVER_MIDPOINT, SOLVER_HEUN, SOLVER_LOGRHO, SOLVER_BH1, SOLVER_BH2 };
enum { VARIANCE_LEARNED, VARIANCE_LEARNED_RANGE, VARIANCE_SMALL, VARIANCE_SMALL_LOG, VARIANCE_LARGE };

struct schedule_config {
    char class_name[64];
    bool present[KEY_COUNT];
    double value[KEY_COUNT]; /* flags are 0 or 1, choices their number, null is NAN */
    float *trained_betas;    /* [num_train_timesteps], or NULL */
    bool disables_corrector; /* of UniPC, in some steps */
    bool corrected;          /* schedule_config_correct was called */
    bool is_xl;              /* schedule_config_of_xl was called */
};

/* All values that one sampler reads, defaults filled in; NAN where its class takes none. */
struct schedule_settings {
    double value[KEY_COUNT];
    enum ltd_scheduler schedule; /* the sigma schedule in place of the spacing; MODEL: none */
    const float *trained_betas;  /* borrowed from the config */
    bool is_xl;                  /* of Stable Diffusion XL */
};

static inline bool setting_flag(const struct schedule_settings *settings, enum schedule_key key)
{
    return settings->value[key] == 1.0;
}

/* 0 for a key that the sampler does not take. */
static inline int setting_int(const struct schedule_settings *settings, enum schedule_key key)
{
    return isnan(settings->value[key]) ? 0 : (int)settings->value[key];
}

/* What `sampler` sees of config, with the request's scheduler in place of the config's own.  Errors:
 * LTD_EUNSUPPORTED, naming the key; LTD_EINVAL. */
LTD_MUST_USE enum ltd_status schedule_config_resolve(const struct schedule_config *config,
                                                     enum ltd_sampler sampler, enum ltd_scheduler scheduler,
                                                     struct schedule_settings *out, struct ltd_error *err);

#endif
