#include "jobs/jobs_eta.h"

#include "util/clock.h"

/* Jobs of the queue that are gone through one by one; those behind are taken to be like these on average. */
enum { LOOKED_AT = 256 };
/* What the estimate weighs beside the steps that the job has made, which count as one each. */
static const double weight_of_estimate = 0.5;

void jobs_eta_started(struct worker *worker)
{
    worker->moved_at = clock_monotonic();
    worker->steps_made = 0;
    worker->stepping_s = 0;
}

void jobs_eta_moved(struct worker *worker)
{
    const double now = clock_monotonic();

    if (worker->progress.phase == LTD_PHASE_SAMPLE && worker->progress.step > 0) {
        worker->stepping_s += now - worker->moved_at;
        worker->steps_made++;
    }
    worker->moved_at = now;
}

/* The seconds of a job's phases, as known now. */
static const struct cost_seconds *seconds_of(const struct jobs *jobs, struct live *live)
{
    if (live->seconds_version != cost_model_version(jobs->costs)) {
        cost_model_estimate(jobs->costs, &live->cost, &live->seconds);
        live->seconds_version = cost_model_version(jobs->costs);
    }
    return &live->seconds;
}

static double total_of(const struct jobs *jobs, struct live *live)
{
    return job_cost_total(&live->cost, seconds_of(jobs, live));
}

/* What is left of a span of which some is over: not less than nothing. */
static double left(double span, double over)
{
    return span > over ? span - over : 0;
}

static double left_of_image(const struct worker *worker, const struct cost_seconds *seconds, double over)
{
    const double *s = seconds->of;
    const int evaluations = worker->live->cost.evaluations;
    const double sampling = evaluations * s[COST_STEP], end = s[COST_DECODE] + s[COST_PNG];

    switch (worker->progress.phase) {
    case LTD_PHASE_TEXT:
        return left(s[COST_TEXT], over) + s[COST_ENCODE] + sampling + end;
    case LTD_PHASE_ENCODE:
        return left(s[COST_ENCODE], over) + sampling + end;
    case LTD_PHASE_SAMPLE:
        if (worker->progress.step >= evaluations)
            return end;
        return left(s[COST_STEP], over) + (evaluations - worker->progress.step - 1) * s[COST_STEP] + end;
    case LTD_PHASE_DECODE:
        return left(end, over);
    }
    return 0;
}

static double left_of_job(const struct jobs *jobs, const struct worker *worker)
{
    struct cost_seconds seconds = *seconds_of(jobs, worker->live);
    const struct job_cost one = {.count = worker->live->cost.count - worker->progress.image - 1,
                                 .evaluations = worker->live->cost.evaluations};

    if (worker->live->doom != LTD_OK) /* it is being canceled */
        return 0;
    if (worker->steps_made > 0)
        seconds.of[COST_STEP] = (worker->stepping_s + weight_of_estimate * seconds.of[COST_STEP]) /
                                (worker->steps_made + weight_of_estimate);
    return left_of_image(worker, &seconds, clock_monotonic() - worker->moved_at) +
           job_cost_total(&one, &seconds);
}

/* When each worker will be free, in seconds from now. */
struct lanes {
    double free_in[JOBS_MAX_WORKERS];
    int count;
};

static double *earliest(struct lanes *lanes)
{
    double *first = &lanes->free_in[0];

    for (int i = 1; i < lanes->count; i++)
        if (lanes->free_in[i] < *first)
            first = &lanes->free_in[i];
    return first;
}

static struct lanes look_at_workers(const struct jobs *jobs)
{
    struct lanes lanes = {.count = jobs->worker_count};

    for (int i = 0; i < lanes.count; i++)
        if (jobs->workers[i].live)
            lanes.free_in[i] = left_of_job(jobs, &jobs->workers[i]);
    return lanes;
}

/* Seconds until the job starts: the queue is played through, each job taken by the first worker to be free.
 * last NULL: until a job behind all others would. */
static double until_start(const struct jobs *jobs, const struct live *last)
{
    struct lanes lanes = look_at_workers(jobs);
    double sum = 0;
    int looked = 0, behind = jobs->store->ops->count(jobs->store).waiting;

    if (last)
        behind = jobs->store->ops->position(jobs->store, last->id) - 1;
    for (struct live *live = jobs->lives.unfinished.first; live && live != last && looked < LOOKED_AT;
         live = live->next) {
        if (live->worker)
            continue;
        sum += total_of(jobs, live);
        *earliest(&lanes) += total_of(jobs, live);
        looked++;
    }
    if (looked == LOOKED_AT && behind > looked)
        return *earliest(&lanes) + sum / looked * (behind - looked) / lanes.count;
    return *earliest(&lanes);
}

double jobs_eta_of(const struct jobs *jobs, struct live *live)
{
    if (live->ended)
        return 0;
    if (live->worker)
        return left_of_job(jobs, live->worker);
    return until_start(jobs, live) + total_of(jobs, live);
}

double jobs_eta_of_start(const struct jobs *jobs)
{
    return until_start(jobs, NULL);
}

double jobs_eta_of_room(const struct jobs *jobs)
{
    struct lanes lanes = look_at_workers(jobs);

    return *earliest(&lanes);
}
