/*
 * params.h - what a picture is made from.
 */
#ifndef LATENTD_PARAMS_H
#define LATENTD_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include <latentd/error.h>
#include <latentd/image.h>

enum ltd_sampler {
#define SAMPLER(id, name, label, reference, keys, takes, noise, eta) LTD_SAMPLER_##id,
#include <latentd/samplers.def>
#undef SAMPLER
    LTD_SAMPLER_COUNT
};

enum ltd_scheduler {
#define SCHEDULER(id, name, label) LTD_SCHEDULER_##id,
#include <latentd/schedulers.def>
#undef SCHEDULER
    LTD_SCHEDULER_COUNT
};

/* Whose way of making a picture is followed: that of a diffusers pipeline on the CPU, or that of
 * AUTOMATIC1111's web UI, whose prompts have a grammar (docs/prompts.md), and whose stochastic samplers are
 * k-diffusion's (docs/models.md). */
enum ltd_profile { LTD_PROFILE_DIFFUSERS, LTD_PROFILE_A1111, LTD_PROFILE_COUNT };

/* STRICT keeps to direct convolution; DEFAULT may take any exact algorithm that is faster. */
enum ltd_numerics { LTD_NUMERICS_DEFAULT, LTD_NUMERICS_STRICT, LTD_NUMERICS_COUNT };

/* What the U-Net's and the VAE's linear layers and attention multiply: f32, or both operands rounded to bf16,
 * with sums in f32 (convolutions stay f32).  BF16 is faster where the processor has AVX512_BF16; elsewhere it
 * is slower than f32, of which ltd_params_check warns. */
enum ltd_precision { LTD_PRECISION_F32, LTD_PRECISION_BF16, LTD_PRECISION_COUNT };

/* Wire names ("euler_a", "karras", "diffusers", "strict"); static storage.  _find returns -1 for an unknown
 * name. */
const char *ltd_sampler_name(enum ltd_sampler sampler);
const char *ltd_sampler_label(enum ltd_sampler sampler);
int ltd_sampler_find(const char *name);
/* The eta that it draws with where a request says none; LTD_ETA_STANDARD: it has none. */
double ltd_sampler_eta(enum ltd_sampler sampler);
#define LTD_ETA_STANDARD (-1.0)
/* Whether it adds noise before its steps where s_churn asks for some; whether it adds noise of its own, which
 * s_noise scales. */
bool ltd_sampler_churns(enum ltd_sampler sampler);
bool ltd_sampler_scales_noise(enum ltd_sampler sampler);
#define LTD_MAX_CHURN       100.0
#define LTD_MAX_CHURN_SIGMA 10000.0
#define LTD_MAX_NOISE       2.0
const char *ltd_scheduler_name(enum ltd_scheduler scheduler);
const char *ltd_scheduler_label(enum ltd_scheduler scheduler);
int ltd_scheduler_find(const char *name);
const char *ltd_profile_name(enum ltd_profile profile);
int ltd_profile_find(const char *name);
const char *ltd_numerics_name(enum ltd_numerics numerics);
int ltd_numerics_find(const char *name);
const char *ltd_precision_name(enum ltd_precision precision);
int ltd_precision_find(const char *name);

/* An adapter of the model's LoRAs (ltd_model_add_loras), and how strong it is.  0: as if it were not there.
 */
struct ltd_lora {
    const char *name;
    double weight;      /* in the U-Net; -100..100 */
    double text_weight; /* in the text encoders; the same */
};
#define LTD_MAX_LORAS       16
#define LTD_MAX_LORA_WEIGHT 100.0

/* What is made of a control's picture before the network sees it: nothing, or its edges. */
enum ltd_preprocessor { LTD_PREPROCESSOR_NONE, LTD_PREPROCESSOR_CANNY, LTD_PREPROCESSOR_COUNT };
const char *ltd_preprocessor_name(enum ltd_preprocessor preprocessor);
int ltd_preprocessor_find(const char *name);

/* How that picture is brought to the drawing's size: to width and height each by itself; to cover all of it,
 * without what is then beyond its edges; or to lie whole in its middle. */
enum ltd_control_fit { LTD_CONTROL_STRETCH, LTD_CONTROL_CROP, LTD_CONTROL_FILL, LTD_CONTROL_FIT_COUNT };
const char *ltd_control_fit_name(enum ltd_control_fit fit);
int ltd_control_fit_find(const char *name);

/* A network of the model's ControlNets (ltd_model_add_control_nets) and the picture that it holds the drawing
 * to. */
struct ltd_control {
    const char *model;
    const struct ltd_image *image; /* of any size; one to crop is at most LTD_MAX_CONTROL_ASPECT times
                                    * wider than the drawing, for its height, or higher for its width */
    enum ltd_control_fit fit;
    double weight; /* how much of what it says is added; -10..10, 0: nothing */
    /* Of the n model evaluations of an image, counted from 0, it has a part in those with start <= i / n and
     * (i + 1) / n <= end, as in diffusers.  0 <= start < end <= 1. */
    double start, end;
    enum ltd_preprocessor preprocessor;
    int low_threshold,
        high_threshold; /* of the edges, on the scale of OpenCV's Canny: 0 <= low <= high <= 2040 */
};
#define LTD_MAX_CONTROLS          8
#define LTD_MAX_CONTROL_WEIGHT    10.0
#define LTD_MAX_CONTROL_THRESHOLD 2040
#define LTD_MAX_CONTROL_ASPECT    16.0

/* What is there, before it is drawn anew, where a mask is white: what lies around it, blurred, the picture
 * itself, or in the latent noise or nothing. */
enum ltd_masked_content {
    LTD_MASKED_FILL,
    LTD_MASKED_ORIGINAL,
    LTD_MASKED_NOISE,
    LTD_MASKED_NOTHING,
    LTD_MASKED_CONTENT_COUNT
};
#define LTD_MAX_MASK_BLUR    256
#define LTD_MAX_MASK_PADDING 4096
const char *ltd_masked_content_name(enum ltd_masked_content content);
int ltd_masked_content_find(const char *name);

/* What makes the first of two passes larger for the second: the latent, bilinear or by the nearest value, or
 * the picture, by Lanczos or as hr_network has it. */
enum ltd_hr_upscaler {
    LTD_HR_LATENT,
    LTD_HR_LATENT_NEAREST,
    LTD_HR_LANCZOS,
    LTD_HR_NETWORK,
    LTD_HR_UPSCALER_COUNT
};
#define LTD_MAX_HR_SCALE 8.0
const char *ltd_hr_upscaler_name(enum ltd_hr_upscaler upscaler);
int ltd_hr_upscaler_find(const char *name);

#define LTD_MAX_IMAGE_GUIDANCE 100.0

/* One request, every value present.  Start from ltd_params_default(model).  Strings and images are
 * borrowed for the length of a call. */
struct ltd_gen_params {
    const char *prompt;          /* UTF-8; "" is valid */
    const char *negative_prompt; /* UTF-8; "" is valid */
    uint64_t seed;               /* of image 0; image i has seed + i, or with subseed_strength this one */
    /* Variations: how far the start's noise goes from the seed's to that of the subseed, on a sphere; 0: not
     * at all, 1: all the way.  Image i has subseed + i. */
    double subseed_strength;
    uint64_t subseed;
    /* Pixels; both above 0: the start's noise has in its middle that of a picture of this size. */
    int seed_resize_from_w, seed_resize_from_h;
    int steps;        /* 1.. */
    double cfg_scale; /* guidance scale w of e_u + w (e_c - e_u); off at <= 1, with A1111 at 1 */
    /* How much of the spread that guidance adds is taken back: 0 none, 1 all of it (Lin et al. 2023;
     * diffusers' guidance_rescale).  Not with parts joined by AND. */
    double cfg_rescale;
    /* Of a model that edits pictures: how much it keeps to the picture, above 0; 1: as much as the prompt
     * alone makes it (Brooks et al. 2023, "InstructPix2Pix", s_I).  Of others: 0. */
    double image_guidance_scale;
    enum ltd_sampler sampler;
    enum ltd_scheduler scheduler;
    /* The share of the sampler's noise on the way, 0 (none) to 1; in TCD the paper's gamma.
     * LTD_ETA_STANDARD: ltd_sampler_eta's, and the only one of a sampler that has none. */
    double eta;
    /* Noise before each of `steps` steps from a sigma of s_tmin to s_tmax (0: no bound), which raises it by
     * the factor 1 + min(s_churn / steps, sqrt(2) - 1) (Karras et al. 2022, arXiv 2206.00364, algorithm 2).
     * 0: none, and the only one of samplers that do not churn. */
    double s_churn, s_tmin, s_tmax;
    double s_noise;                     /* times the noise that the sampler adds, or s_churn; 1: as it is */
    int width, height;                  /* pixels; multiples of the model's VAE factor */
    int count;                          /* images, 1.. */
    bool tiling;                        /* opposite edges fit each other: networks look around them */
    const struct ltd_image *init_image; /* NULL: txt2img; else img2img, mostly of width x height */
    double strength;                    /* img2img: the share of the steps that is run, 0 < s <= 1 */
    /* Inpainting: of the init image's size; white is drawn anew, black kept.  NULL: all is drawn anew. */
    const struct ltd_image *mask;
    bool mask_invert;                       /* black is drawn anew, white kept */
    int mask_blur;                          /* pixels by which the mask's edge is blurred, 0.. */
    enum ltd_masked_content masked_content; /* LTD_MASKED_ORIGINAL without a mask */
    /* Only what the mask covers is drawn, with so many pixels of the picture around it, at width x height,
     * and put back into the init image, whose size is its own then, and the result's. */
    bool inpaint_full_res;
    int inpaint_full_res_padding; /* 0.. */
    /* A second pass (hires fix) over the picture made so much larger, with `strength`; 0: none. */
    double hr_scale;
    enum ltd_hr_upscaler hr_upscaler;
    const char *hr_network; /* of LTD_HR_NETWORK: a name of the model's upscalers; else NULL */
    int hr_steps;           /* of the second pass, as if it were whole; 0: steps */
    /* Last layers of the text encoder that are left out; 0: none.  With LTD_PROFILE_DIFFUSERS for the prompt
     * alone. */
    int clip_skip;
    /* Several change the model one beside the other; the same one twice counts twice. */
    const struct ltd_lora *loras; /* [lora_count]; may be NULL without any */
    int lora_count;               /* 0..LTD_MAX_LORAS */
    /* Several add up.  Not with inpaint_full_res, nor with a deepcache_interval above 1. */
    const struct ltd_control *controls; /* [control_count]; may be NULL without any */
    int control_count;                  /* 0..LTD_MAX_CONTROLS */
    /* Guidance only in an interval of the schedule: of the n model evaluations of an image, counted from 0,
     * those from floor(guidance_start n) up to, and without, floor(guidance_end n) have it.  0 <= start < end
     * <= 1; 0 and 1, which is exact: all.  The others are evaluated for the prompt alone, in half the time.
     */
    double guidance_start, guidance_end;
    /* The whole U-Net is run in evaluations 0, N, 2 N, ... and where guidance begins.  In between what its
     * deep layers said last stands (Ma et al. 2023, "DeepCache", branch 0), with a twelfth of the work where
     * the network is that of Stable Diffusion 1.5.  1, which is exact: it is always run. */
    int deepcache_interval;
    enum ltd_profile profile;
    enum ltd_numerics numerics;
    enum ltd_precision precision;
};

/* What image `index` is drawn from. */
static inline uint64_t ltd_params_seed(const struct ltd_gen_params *params, int index)
{
    return params->seed + (params->subseed_strength > 0 ? 0 : (uint64_t)index);
}

static inline uint64_t ltd_params_subseed(const struct ltd_gen_params *params, int index)
{
    return params->subseed + (uint64_t)index;
}

#endif
