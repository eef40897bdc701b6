/*
 * sessions.h - what tests of generations begin with.  A model or session that cannot be had ends the program.
 */
#pragma once

#include <latentd/image.h>
#include <latentd/session.h>

/* To be closed by the caller. */
struct ltd_model *open_model(const char *path);
/* The same with another VAE in place of its own. */
struct ltd_model *open_model_with(const char *path, const char *vae);

/* The default model, opened once and closed when the program ends. */
const struct ltd_model *default_model(void);

/* A small picture of it in two steps. */
struct ltd_gen_params small_request(void);

/* To be freed by the caller. */
struct ltd_session *new_session(const struct ltd_model *m, int threads);

/* A picture of noise; to be freed by the caller. */
struct ltd_image *random_image(uint64_t seed, int width, int height);

/* Draws the first picture, which must take the bytes that were planned for it; the caller frees it.  NULL
 * after a check that failed, of the test's line. */
struct ltd_image *draw_as_planned(int line, const struct ltd_model *m, const struct ltd_gen_params *p,
                                  int threads);

bool same_pixels(const struct ltd_image *a, const struct ltd_image *b); /* NULL is not the same as any */
