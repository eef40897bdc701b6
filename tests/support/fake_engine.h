/*
 * fake_engine.h - a model that takes as long as a test wants, for tests of the server above the engine.
 *
 * fake_engine.c stands in for include/latentd/model.h, session.h and cost.h; every path opens.  A step takes
 * fake_engine_step_ms, which opening a model sets from the environment's FAKE_ENGINE_STEP_MS, if it is there;
 * the prompt "non_finite" fails with LTD_ENONFINITE, "many_warnings" is warned of twelve times.  Pixels
 * follow from seed, index and size.
 */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <stdatomic.h>

extern atomic_int fake_engine_step_ms;
extern atomic_int fake_engine_running, fake_engine_most_running; /* generations at the same time */
extern atomic_int fake_engine_sessions;                          /* not freed yet */

#endif
