/*
 * sampling.h - from noise to a clean latent: the noise schedule, the timesteps and sigmas of a run, and the
 * samplers.
 *
 * The arithmetic is that of the diffusers schedulers named in latentd/samplers.def, to f32 rounding: what a
 * pipeline on the CPU computes with the same scheduler_config.json.  The stochastic DPM++ samplers have in
 * the profile a1111 that of AUTOMATIC1111 and k-diffusion instead: their levels, steps and noise.  Everything
 * that can fail, fails in the first two functions.
 */
#ifndef SAMPLING_H
#define SAMPLING_H

#include <stdatomic.h>
#include <stddef.h>

#include <latentd/error.h>
#include <latentd/json.h>
#include <latentd/params.h>

#include "base/torch_rng.h"
#include "sampling/denoiser.h"

struct schedule_config; /* a scheduler_config.json, checked; read-only */
struct sampling_plan;   /* one run's timesteps, sigmas and coefficients; read-only */

/* Reads a scheduler_config.json; values that it leaves out are the defaults of the class it names.  Unknown
 * class: still LTD_OK if it can be understood, schedule_config_sampler then answers -1.  Errors: LTD_EFORMAT,
 * LTD_EUNSUPPORTED (a key that would change the picture and is not built), LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status schedule_config_read(const struct ltd_json *json, struct schedule_config **out,
                                                  struct ltd_error *err);
void schedule_config_free(struct schedule_config *config);
/* Corrects an old config as diffusers' StableDiffusionPipeline and StableDiffusionImg2ImgPipeline do when
 * they are built: steps_offset becomes 1 and clip_sample false, whatever the file says.  Other pipelines do
 * not.  A sampler or scheduler that a request names is then made by from_config, which forgets the correction
 * of a key that the file leaves out. */
void schedule_config_correct(struct schedule_config *config);
const char *schedule_config_class(const struct schedule_config *config); /* "DDIMScheduler"; "" if absent */
const char *
schedule_config_prediction(const struct schedule_config *config); /* "epsilon", "v_prediction", "sample" */
/* What the U-Net predicts, one of the same three, whatever the file says. */
void schedule_config_predict(struct schedule_config *config, const char *prediction);
/* It is Stable Diffusion XL's, for which other levels were found best (LTD_SCHEDULER_ALIGN_YOUR_STEPS). */
void schedule_config_of_xl(struct schedule_config *config);
int schedule_config_sampler(const struct schedule_config *config); /* enum ltd_sampler of its class, or -1 */

/* A run that is asked for. */
struct sampling_request {
    enum ltd_sampler sampler;
    enum ltd_scheduler scheduler;
    int steps; /* 1.. */
    /* 1: from pure noise; less as diffusers' img2img does: the last min(int(steps * strength), steps). */
    double strength;
    double eta;                              /* 0..1, or LTD_ETA_STANDARD */
    double s_churn, s_tmin, s_tmax, s_noise; /* as in struct ltd_gen_params; of a sampler that takes them */
    enum ltd_profile profile;                /* A1111: its stochastic samplers' levels, steps and noise */
    uint64_t seed;                           /* of that noise, which is not the run's generator's */
};

/* What most ask for: from noise, as the sampler is, in the profile diffusers. */
static inline struct sampling_request sampling_request_of(enum ltd_sampler sampler,
                                                          enum ltd_scheduler scheduler, int steps)
{
    return (struct sampling_request){.sampler = sampler,
                                     .scheduler = scheduler,
                                     .steps = steps,
                                     .strength = 1,
                                     .eta = LTD_ETA_STANDARD,
                                     .s_noise = 1};
}

/* Prepares a run.  The sampler takes the config as diffusers' from_config does. Errors: LTD_EINVAL (a
 * scheduler or an eta that the sampler does not take, steps beyond the training schedule, a strength that
 * leaves no step, whatever the reference cannot run; the message says what to change), LTD_EUNSUPPORTED (a
 * key of the config that this sampler reads and that is not built), LTD_EFORMAT (betas that make no
 * schedule), LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status sampling_plan_new(const struct schedule_config *config,
                                               const struct sampling_request *asked,
                                               struct sampling_plan **out, struct ltd_error *err);
void sampling_plan_free(struct sampling_plan *plan);
int sampling_plan_evaluations(const struct sampling_plan *plan); /* calls of predict in a run */
/* What predict gets as timestep in the call after `evaluation` others. */
double sampling_plan_timestep(const struct sampling_plan *plan, int evaluation);
/* Floats that sampling_run needs for n values; SIZE_MAX when they are too many to count. */
size_t sampling_plan_scratch(const struct sampling_plan *plan, size_t n);

/* x [n] holds standard normal noise; scales it to the first step's noise level (init_noise_sigma). */
void sampling_start_from_noise(const struct sampling_plan *plan, float *x, size_t n);
/* x [n] holds a clean latent; becomes q(z_t | z_0) at the first step's level with the given noise [n]. */
void sampling_start_from_latent(const struct sampling_plan *plan, float *x, const float *noise, size_t n);

/* Of a value of the latent that is known (inpainting): x after so many evaluations, as the reference's
 * add_noise makes it, which at the end is the clean value itself. */
float sampling_known_sample(const struct sampling_plan *plan, int done, float clean, float noise);
/* What the network would say of it in the evaluation after `done` others, were it certain; input is what
 * predict gets. */
float sampling_known_word(const struct sampling_plan *plan, int done, float clean, float input);

struct sampling_watch {
    /* Called after each evaluation but before the next; done counts evaluations.  clean [n] is what the
     * network's last word says that the clean latent is; NULL unless wanted. */
    void (*step)(void *arg, int done, int total, const float *clean);
    void *arg;
    const atomic_bool *wants_clean; /* NULL: never */
    float *clean;                   /* [n]: room for it */
};

/* Runs all steps on x [n] in place.  The order of the values matters only to the ancestral samplers, whose
 * noise torch draws in the order [channels, height, width]; rng gives it, continuing where the caller left
 * it.  scratch has sampling_plan_scratch(plan, n) floats.  watch may be NULL.  Errors: LTD_ECANCELED,
 * LTD_ENONFINITE (x stopped being finite). */
LTD_MUST_USE enum ltd_status sampling_run(const struct sampling_plan *plan, const struct denoiser *denoiser,
                                          struct torch_rng *rng, float *x, size_t n, float *scratch,
                                          const struct sampling_watch *watch, struct ltd_error *err);

#endif
