/*
 * fixture.h - reads the parity fixtures (README.md here) and holds the engine to them.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdbool.h>

#include <latentd/error.h>
#include <latentd/json.h>

#include "base/pool.h"
#include "pipeline/model_parts.h"

/* The figures of design: relative Euclidean error of a tensor and of a final latent; of 8-bit pictures the
 * largest difference and the share of values that differ. */
#define TENSOR_TOLERANCE 1e-4
#define LATENT_TOLERANCE 1e-4
/* In default numerics: final latents, and the noise of a picture in dB. */
#define LATENT_TOLERANCE_DEFAULT 1e-3
#define PICTURE_PSNR             55
#define PICTURE_LEVELS           1
#define PICTURE_DIFFERENT        0.005

/* The networks that a case may run; NULL where a test opened only one. */
struct parts {
    const struct clip_text *text, *text_2;
    const struct unet *unet;
    const struct vae *vae;
};

struct fixture {
    char dir[2048], model_dir[4096];
    char vae[4096]; /* of a VAE in place of the model's own; "": there is none */
    struct ltd_json *json;
    struct weight_set *tensors;
    struct pool *pool;
};

LTD_MUST_USE enum ltd_status fixture_open(struct fixture *f, const char *dir, int threads,
                                          struct ltd_error *err);
void fixture_close(struct fixture *f);

/* Opens the fixture's model, with the VAE, embeddings and LoRAs where it has any.  Errors: those of
 * ltd_model_open; LTD_EFORMAT one of them is refused. */
LTD_MUST_USE enum ltd_status fixture_open_model(const struct fixture *f, struct ltd_model **out,
                                                struct ltd_error *err);

const struct ltd_json *fixture_cases(const struct fixture *f);
const char *case_text(const struct ltd_json *c, const char *key); /* "" when absent */
double case_number(const struct ltd_json *c, const char *key, double absent);

/* A tensor of the fixture as f32, by the case's key; the caller frees it.  *w is its shape. */
float *fixture_load(const struct fixture *f, const struct ltd_json *c, const char *key,
                    const struct weight **w);

/* One input or output of a tensor case. */
struct operand {
    float *values;
    const struct weight *w;
    struct tensor t; /* NHWC; its data is this operand's own */
};

/* Loads [n, c, h, w] or [n, tokens, c] as a tensor, which operand_free frees in any case. */
bool operand_load(struct operand *o, const struct fixture *f, const struct ltd_json *c, const char *key);
void operand_free(struct operand *o);

/* The picture [h, w, 3] under the case's key, as 8-bit values, which the caller frees; NULL when there is
 * none. */
struct ltd_image *load_image(const struct fixture *f, const struct ltd_json *c, const char *key);

/* In strict numerics the largest difference and how many there are count, in default numerics the noise. */
bool compare_pictures(const struct ltd_image *got, const struct ltd_image *want, bool strict, char *detail,
                      size_t size);

/* The part that a tensor case runs ("text_encoder", "text_encoder_2", "unet", "vae"), or NULL for another
 * kind of case. */
const char *case_part(const struct ltd_json *c);

/* The relative error of a tensor case on these parts; negative: it could not be run. */
double case_error(const struct fixture *f, const struct ltd_json *c, const struct parts *parts);

/* Runs a case of a control network, which is beside the model's parts: case_passes. */
bool control_case_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                         char *detail, size_t detail_size);

/* Runs any case on a whole model.  Writes what was measured into detail; true: within its tolerance. */
bool case_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                 char *detail, size_t detail_size);

#endif
