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
    const struct clip_text *text;
    const struct unet *unet;
    const struct vae *vae;
};

struct fixture {
    char dir[2048], model_dir[4096];
    struct ltd_json *json;
    struct weight_set *tensors;
    struct pool *pool;
};

LTD_MUST_USE enum ltd_status fixture_open(struct fixture *f, const char *dir, int threads,
                                          struct ltd_error *err);
void fixture_close(struct fixture *f);

/* Opens the fixture's model, with the embeddings and LoRAs where it has any.  Errors: those of
 * ltd_model_open; LTD_EFORMAT one of them is refused. */
LTD_MUST_USE enum ltd_status fixture_open_model(const struct fixture *f, struct ltd_model **out,
                                                struct ltd_error *err);

const struct ltd_json *fixture_cases(const struct fixture *f);
const char *case_text(const struct ltd_json *c, const char *key); /* "" when absent */

/* The part that a tensor case runs ("text_encoder", "unet", "vae"), or NULL for another kind of case. */
const char *case_part(const struct ltd_json *c);

/* The relative error of a tensor case on these parts; negative: it could not be run. */
double case_error(const struct fixture *f, const struct ltd_json *c, const struct parts *parts);

/* Runs any case on a whole model.  Writes what was measured into detail; true: within its tolerance. */
bool case_passes(const struct fixture *f, const struct ltd_json *c, const struct ltd_model *model,
                 char *detail, size_t detail_size);

#endif
