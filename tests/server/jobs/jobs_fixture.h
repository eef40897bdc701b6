/*
 * jobs_fixture.h - a queue over the stand-in engine, for the tests of the queue.
 */
#ifndef JOBS_FIXTURE_H
#define JOBS_FIXTURE_H

#include <stdatomic.h>

#include "jobs/jobs.h"

extern struct model_set models;
extern struct job_store *store;
extern struct jobs *jobs;
extern atomic_int notified; /* calls of fixture_notify */

/* A watch's call; counts. */
void fixture_notify(void *arg, uint64_t number);

/* Opens a queue in which orphans live for 0.3 s and finished jobs for keep_s. */
bool fixture_open(int workers, int waiting, int step_ms, double keep_s);
/* The same, with finished jobs kept as long as any test. */
bool start(int workers, int waiting, int step_ms);
/* Closes it, and checks that nothing is left of it. */
void stop(void);

/* A request for pictures of 16 x 16 from the seed 40 on. */
struct job_request *new_request(const char *prompt, int steps, int count);
/* Submits a request, of which the reference is taken. */
enum ltd_status submit_how(struct job_request *request, struct job_submit how, struct job_submitted *out);
/* Submits with a watch for the end that counts into `notified`. */
enum ltd_status submit(const char *prompt, int steps, int count, char id[RANDOM_ID_SIZE]);

enum job_state state_of(const char *id); /* JOB_QUEUED when it is not found */
/* Waits until the job is in `wanted` or a final state; the state it is in then. */
enum job_state wait_for(const char *id, enum job_state wanted);
/* Ticks until the job has ended, for 20 s at most; the state it is in then. */
enum job_state tick_until_ended(const char *id);

#endif
