#include "jobs/cost_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_TIMES = 5, KEPT_SIZES = 12 };

/* Of the probe's speed, that the phases of pictures that are not small reach. */
static const double usual_share[] = {
    [COST_TEXT] = 0.6, [COST_ENCODE] = 0.7, [COST_STEP] = 0.85, [COST_DECODE] = 0.75};
static const double usual_png_s = 100e-9; /* a pixel */
/* Works closer than this are the same size. */
static const double same_size = 0.01;
/* What a phase takes however small its work is, starting kernels and waking threads: at most so long, and at
 * most this share of a time that was measured. */
static const double most_overhead_s = 0.1, most_overhead_share = 0.5;

/* The last times at one size. */
struct cost_point {
    double work;
    double times[KEPT_TIMES]; /* a ring */
    unsigned count;           /* that were ever put there */
    unsigned last_use;
};

struct cost_curve {
    struct cost_point points[KEPT_SIZES]; /* by work, upwards */
    size_t count;
};

struct cost_model {
    double flop_per_second;
    unsigned version;
    struct cost_curve curves[][COST_PHASES]; /* of each model */
};

/* Of pictures that are made larger, which are all taken to be like the average one. */
static enum ltd_status count_upscales(const struct model_set *models, const struct job_request *request,
                                      int threads, struct job_cost *out, struct ltd_error *err)
{
    const int count = request->params.count;
    struct job_cost sum = {.model = models->count, .count = count};
    double flop = 0;

    for (int i = 0; i < count; i++) {
        const struct ltd_upscale_params *params = &request->upscales[i].params;
        struct ltd_cost cost;
        const enum ltd_status st = ltd_upscale_cost(models->upscalers, params, threads, &cost, err);

        if (st != LTD_OK)
            return st;
        flop += cost.step_flop * cost.evaluations;
        sum.evaluations += cost.evaluations;
        sum.work[COST_PNG] += (double)params->width * params->height / count;
        if (cost.scratch_bytes > sum.scratch_bytes)
            sum.scratch_bytes = cost.scratch_bytes;
    }
    sum.evaluations = (sum.evaluations + count - 1) / count;
    if (sum.evaluations > 0)
        sum.work[COST_STEP] = flop / count / sum.evaluations;
    *out = sum;
    return LTD_OK;
}

static enum ltd_status count_drawing(const struct model_set *models, const struct job_request *request,
                                     int threads, struct job_cost *out, struct ltd_error *err)
{
    const struct ltd_gen_params *params = &request->params;
    struct ltd_cost cost;
    const enum ltd_status st =
        ltd_params_cost(model_set_shapes(models, request->model), params, threads, &cost, err);

    if (st != LTD_OK)
        return st;
    *out = (struct job_cost){.model = request->model,
                             .count = params->count,
                             .evaluations = cost.evaluations,
                             .work = {[COST_TEXT] = cost.text_flop,
                                      [COST_ENCODE] = cost.encode_flop,
                                      [COST_STEP] = cost.step_flop,
                                      [COST_DECODE] = cost.decode_flop,
                                      [COST_PNG] = (double)params->width * params->height},
                             .scratch_bytes = cost.scratch_bytes};
    return LTD_OK;
}

enum ltd_status job_cost_count(const struct model_set *models, const struct job_request *request, int threads,
                               struct job_cost *out, struct ltd_error *err)
{
    return (request->upscales ? count_upscales : count_drawing)(models, request, threads, out, err);
}

double job_cost_total(const struct job_cost *cost, const struct cost_seconds *seconds)
{
    const double *s = seconds->of;

    return cost->count *
           (s[COST_TEXT] + s[COST_ENCODE] + cost->evaluations * s[COST_STEP] + s[COST_DECODE] + s[COST_PNG]);
}

struct cost_model *cost_model_new(size_t models, double flop_per_second)
{
    struct cost_model *model = calloc(1, sizeof *model + models * sizeof model->curves[0]);

    if (model) {
        model->flop_per_second = flop_per_second;
        model->version = 1;
    }
    return model;
}

void cost_model_free(struct cost_model *model)
{
    free(model);
}

unsigned cost_model_version(const struct cost_model *model)
{
    return model->version;
}

static double guess(const struct cost_model *model, enum cost_phase phase, double work)
{
    return phase == COST_PNG ? work * usual_png_s : work / (model->flop_per_second * usual_share[phase]);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median; of an even number the lower one: the first time of all has weights to fetch from the disk. */
static double time_of(const struct cost_point *point)
{
    const size_t count = point->count < KEPT_TIMES ? point->count : KEPT_TIMES;
    double sorted[KEPT_TIMES];

    memcpy(sorted, point->times, sizeof sorted);
    qsort(sorted, count, sizeof sorted[0], by_value);
    return sorted[(count - 1) / 2];
}

/* From the nearest size that was measured: what the usual speed does not explain of its time is overhead,
 * which stays; the rest grows with the work. */
static double extrapolated(const struct cost_point *from, double work, double usual)
{
    const double time = time_of(from);
    double overhead = time > usual ? time - usual : 0;

    overhead = fmin(overhead, fmin(most_overhead_s, most_overhead_share * time));
    return overhead + (time - overhead) * work / from->work;
}

/* work > 0, at least one point. */
static double measured(const struct cost_model *model, const struct cost_curve *curve, enum cost_phase phase,
                       double work)
{
    const struct cost_point *first = &curve->points[0], *last = &curve->points[curve->count - 1];
    const struct cost_point *below = first;
    double share, from, to;

    if (work <= first->work)
        return extrapolated(first, work, guess(model, phase, first->work));
    if (work >= last->work)
        return extrapolated(last, work, guess(model, phase, last->work));
    while (below[1].work < work)
        below++;
    share = log(work / below->work) / log(below[1].work / below->work);
    from = log(time_of(below));
    to = log(time_of(below + 1));
    return exp(from + share * (to - from));
}

/* How much longer than guessed this model's phases took, geometric mean; 1: nothing is known. */
static double correction(const struct cost_model *model, const struct cost_curve *curves)
{
    double sum = 0;
    int count = 0;

    for (int phase = 0; phase < COST_PNG; phase++)
        if (curves[phase].count > 0) {
            const struct cost_point *point = &curves[phase].points[curves[phase].count - 1];

            sum += log(time_of(point) / guess(model, (enum cost_phase)phase, point->work));
            count++;
        }
    return count > 0 ? exp(sum / count) : 1;
}

void cost_model_estimate(const struct cost_model *model, const struct job_cost *cost,
                         struct cost_seconds *out)
{
    const struct cost_curve *curves = model->curves[cost->model];

    for (int phase = 0; phase < COST_PHASES; phase++) {
        const double work = cost->work[phase];

        if (!(work > 0))
            out->of[phase] = 0;
        else if (curves[phase].count > 0)
            out->of[phase] = measured(model, &curves[phase], (enum cost_phase)phase, work);
        else
            out->of[phase] = guess(model, (enum cost_phase)phase, work) *
                             (phase == COST_PNG ? 1 : correction(model, curves));
    }
}

static void drop_oldest(struct cost_curve *curve)
{
    size_t oldest = 0;

    for (size_t i = 1; i < curve->count; i++)
        if (curve->points[i].last_use < curve->points[oldest].last_use)
            oldest = i;
    curve->count--;
    memmove(&curve->points[oldest], &curve->points[oldest + 1],
            (curve->count - oldest) * sizeof curve->points[0]);
}

/* The point of this size, which may be a new one. */
static struct cost_point *point_of(struct cost_curve *curve, double work)
{
    size_t at = 0;

    while (at < curve->count && curve->points[at].work < work * (1 - same_size))
        at++;
    if (at < curve->count && curve->points[at].work <= work * (1 + same_size))
        return &curve->points[at];
    if (curve->count == KEPT_SIZES) {
        drop_oldest(curve);
        return point_of(curve, work);
    }
    memmove(&curve->points[at + 1], &curve->points[at], (curve->count - at) * sizeof curve->points[0]);
    curve->count++;
    curve->points[at] = (struct cost_point){.work = work};
    return &curve->points[at];
}

void cost_model_learn(struct cost_model *model, const struct job_cost *cost,
                      const struct job_timings *timings)
{
    const double seconds[] = {[COST_TEXT] = timings->text_s,
                              [COST_ENCODE] = timings->encode_s,
                              [COST_STEP] = timings->sample_s / cost->evaluations,
                              [COST_DECODE] = timings->decode_s,
                              [COST_PNG] = timings->png_s};

    model->version++;
    for (int phase = 0; phase < COST_PHASES; phase++) {
        const double took = seconds[phase] / cost->count;
        struct cost_point *point;

        if (!(cost->work[phase] > 0) || !(took > 0) || (phase == COST_TEXT && timings->recalled))
            continue;
        point = point_of(&model->curves[cost->model][phase], cost->work[phase]);
        point->times[point->count++ % KEPT_TIMES] = took;
        point->last_use = model->version;
    }
}
