#include "jobs_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/picture_texts.h"
#include "check.h"
#include "fake_engine.h"
#include "store/memory_store.h"
#include "util/clock.h"

static struct log quiet;
struct model_set models;
struct job_store *store;
struct jobs *jobs;
atomic_int notified;

void fixture_notify(void *arg, uint64_t number)
{
    (void)arg, (void)number;
    atomic_fetch_add(&notified, 1);
}

bool fixture_open(int workers, int waiting, int step_ms, double keep_s)
{
    const struct memory_store_limits limits = {waiting, keep_s, 1 << 26, 100, 1000, 1000};
    const struct jobs_config config = {workers, 1, 0.3, picture_texts_make, NULL};
    struct ltd_error error;

    log_init(&quiet, open("/dev/null", O_WRONLY | O_CLOEXEC), false);
    atomic_store(&fake_engine_step_ms, step_ms);
    atomic_store(&fake_engine_most_running, 0);
    atomic_store(&notified, 0);
    store = memory_store_open(&limits);
    return store && model_set_open(&models, "fake", "anywhere", &error) == LTD_OK &&
           jobs_open(&config, store, &models, &quiet, &jobs, &error) == LTD_OK;
}

bool start(int workers, int waiting, int step_ms)
{
    return fixture_open(workers, waiting, step_ms, 1000);
}

void stop(void)
{
    jobs_close(jobs);
    store->ops->close(store);
    model_set_fini(&models);
    close(quiet.fd);
    CHECK_INT(atomic_load(&fake_engine_sessions), 0);
}

struct job_request *new_request(const char *prompt, int steps, int count)
{
    struct job_request *request = job_request_new();

    request->params = ltd_params_default(model_set_shapes(&models, 0));
    request->prompt = strdup(prompt);
    request->negative_prompt = strdup("");
    request->params.prompt = request->prompt;
    request->params.negative_prompt = request->negative_prompt;
    request->params.width = request->params.height = 16;
    request->params.steps = steps;
    request->params.count = count;
    request->params.seed = 40;
    return request;
}

enum ltd_status submit_how(struct job_request *request, struct job_submit how, struct job_submitted *out)
{
    const enum ltd_status st = jobs_submit(jobs, request, &how, out, NULL);

    job_request_unref(request);
    return st;
}

enum ltd_status submit(const char *prompt, int steps, int count, char id[RANDOM_ID_SIZE])
{
    const struct job_watch watch = {.notify = {fixture_notify, NULL, 1}};
    struct job_submitted submitted = {0};
    const enum ltd_status st =
        submit_how(new_request(prompt, steps, count), (struct job_submit){.watch = &watch}, &submitted);

    memcpy(id, submitted.id, sizeof submitted.id);
    return st;
}

enum job_state state_of(const char *id)
{
    struct job_view job;
    enum job_state now = JOB_QUEUED;

    if (jobs_get(jobs, id, &job) == JOB_FOUND) {
        now = job.record.state;
        job_record_fini(&job.record);
    }
    return now;
}

enum job_state wait_for(const char *id, enum job_state wanted)
{
    const double end = clock_monotonic() + 20;
    enum job_state now;

    while ((now = state_of(id)) != wanted && !job_state_is_final(now) && clock_monotonic() < end)
        usleep(500);
    return now;
}

enum job_state tick_until_ended(const char *id)
{
    const double end = clock_monotonic() + 20;

    while (!job_state_is_final(state_of(id)) && clock_monotonic() < end) {
        jobs_tick(jobs);
        usleep(2000);
    }
    return state_of(id);
}
