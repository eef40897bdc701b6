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
#define SAMPLER(id, name, label, reference, keys, takes) LTD_SAMPLER_##id,
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
 * AUTOMATIC1111's web UI, whose prompts have a grammar (docs/prompts.md). */
enum ltd_profile { LTD_PROFILE_DIFFUSERS, LTD_PROFILE_A1111, LTD_PROFILE_COUNT };

/* STRICT keeps to direct convolution; DEFAULT may take any exact algorithm that is faster. */
enum ltd_numerics { LTD_NUMERICS_DEFAULT, LTD_NUMERICS_STRICT, LTD_NUMERICS_COUNT };

/* Wire names ("euler_a", "karras", "diffusers", "strict"); static storage.  _find returns -1 for an unknown
 * name. */
const char *ltd_sampler_name(enum ltd_sampler sampler);
const char *ltd_sampler_label(enum ltd_sampler sampler);
int ltd_sampler_find(const char *name);
const char *ltd_scheduler_name(enum ltd_scheduler scheduler);
const char *ltd_scheduler_label(enum ltd_scheduler scheduler);
int ltd_scheduler_find(const char *name);
const char *ltd_profile_name(enum ltd_profile profile);
int ltd_profile_find(const char *name);
const char *ltd_numerics_name(enum ltd_numerics numerics);
int ltd_numerics_find(const char *name);

/* An adapter of the model's LoRAs (ltd_model_add_loras), and how strong it is.  0: as if it were not there.
 */
struct ltd_lora {
    const char *name;
    double weight;      /* in the U-Net; -100..100 */
    double text_weight; /* in the text encoders; the same */
};
#define LTD_MAX_LORAS       16
#define LTD_MAX_LORA_WEIGHT 100.0

/* One request, every value present.  Start from ltd_params_default(model).  Strings and the image are
 * borrowed for the length of a call. */
struct ltd_gen_params {
    const char *prompt;          /* UTF-8; "" is valid */
    const char *negative_prompt; /* UTF-8; "" is valid */
    uint64_t seed;               /* of image 0; image i has seed + i */
    int steps;                   /* 1.. */
    double cfg_scale;            /* guidance scale w of e_u + w (e_c - e_u); off at <= 1, with A1111 at 1 */
    /* How much of the spread that guidance adds is taken back: 0 none, 1 all of it (Lin et al. 2023;
     * diffusers' guidance_rescale).  Not with parts joined by AND. */
    double cfg_rescale;
    enum ltd_sampler sampler;
    enum ltd_scheduler scheduler;
    int width, height;                  /* pixels; multiples of the model's VAE factor */
    int count;                          /* images, 1.. */
    const struct ltd_image *init_image; /* NULL: txt2img; else img2img, of width x height */
    double strength;                    /* img2img: the share of the steps that is run, 0 < s <= 1 */
    /* Last layers of the text encoder that are left out; 0: none.  With LTD_PROFILE_DIFFUSERS for the prompt
     * alone. */
    int clip_skip;
    /* Several change the model one beside the other; the same one twice counts twice. */
    const struct ltd_lora *loras; /* [lora_count]; may be NULL without any */
    int lora_count;               /* 0..LTD_MAX_LORAS */
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
};

#endif
