/*
 * fake_engine.h - a model that takes as long as a test wants, for tests of the server above the engine.
 *
 * fake_engine.c stands in for include/latentd/model.h, session.h and cost.h; every path opens, but for those
 * with "unreadable" in them, and, where it comes to the weights, "broken".  A step takes fake_engine_step_ms,
 * which opening a model sets from the environment's FAKE_ENGINE_STEP_MS, if it is there; the prompt
 * "non_finite" fails with LTD_ENONFINITE, "many_warnings" is warned of twelve times.  Pixels follow from
 * seed, index and size.
 */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <stdatomic.h>

enum { FAKE_ENGINE_MODEL_BYTES = 100 };

extern atomic_int fake_engine_step_ms;
extern atomic_int fake_engine_running, fake_engine_most_running; /* generations at the same time */
extern atomic_int fake_engine_sessions;                          /* not freed yet */
extern atomic_int fake_engine_load_ms;                   /* that opening a model with its weights takes */
extern atomic_int fake_engine_models, fake_engine_looks; /* not closed yet: with their weights, and without */

#endif
