#include "commands/bench_turns.h"

#include "util/clock.h"

#include <latentd/cost.h>

#include <stdlib.h>
#include <string.h>

#define SGEMM_SECONDS 0.4

const char *bench_part_name(enum bench_part part)
{
    static const char *const names[] = {"text", "encode", "step", "decode"};

    return names[part];
}

/* One picture while it is made: each part ends where the next begins. */
struct stopwatch {
    struct bench_result *result;
    bool wanted[BENCH_PART_COUNT];
    int skip;     /* steps yet to come that do not count: the first touches the weights */
    bool running; /* a part is */
    enum bench_part part;
    double begun;
    enum bench_part last; /* after it the picture is given up */
    atomic_bool cancel;
    size_t room; /* of each part's turns */
    struct ltd_timings timings;
};

static void keep(struct stopwatch *w, double seconds)
{
    struct bench_turns *turns = &w->result->parts[w->part];

    w->running = false;
    if (w->part == BENCH_PART_STEP && w->skip > 0)
        w->skip--;
    else if (w->wanted[w->part] && turns->count < w->room)
        turns->items[turns->count++] = (struct bench_turn){seconds, w->timings};
}

static void on_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    static const enum bench_part parts[] = {[LTD_PHASE_TEXT] = BENCH_PART_TEXT,
                                            [LTD_PHASE_ENCODE] = BENCH_PART_ENCODE,
                                            [LTD_PHASE_SAMPLE] = BENCH_PART_STEP,
                                            [LTD_PHASE_DECODE] = BENCH_PART_DECODE};
    struct stopwatch *w = arg;

    if (w->running)
        keep(w, clock_monotonic() - w->begun);
    w->part = parts[phase];
    w->running = done < total;
    if (w->part > w->last || (w->part == w->last && !w->running))
        atomic_store(&w->cancel, true);
    memset(&w->timings, 0, sizeof w->timings);
    w->begun = clock_monotonic();
}

static enum ltd_status make_picture(struct ltd_session *session, const struct ltd_gen_params *params,
                                    struct stopwatch *w, struct ltd_error *err)
{
    const struct ltd_watch watch = {
        .progress = on_progress, .arg = w, .cancel = &w->cancel, .timings = &w->timings};
    struct ltd_image *image = NULL;
    struct ltd_gen_report report;
    enum ltd_status st;

    w->running = false;
    atomic_store(&w->cancel, false);
    st = ltd_session_generate(session, params, 0, &watch, &image, &report, err);
    if (st == LTD_OK)
        keep(w, report.decode_s);
    ltd_image_free(image);
    return st == LTD_ECANCELED ? LTD_OK : st;
}

/* Text and steps, in one picture that is given up before it is decoded. */
static enum ltd_status time_steps(struct ltd_session *session, const struct ltd_gen_params *params,
                                  int rounds, struct stopwatch *w, struct ltd_error *err)
{
    struct ltd_gen_params p = *params;

    p.steps = rounds + 1;
    w->skip = 1;
    w->last = BENCH_PART_STEP;
    w->wanted[BENCH_PART_TEXT] = w->wanted[BENCH_PART_STEP] = true;
    return make_picture(session, &p, w, err);
}

/* What the VAE does, in pictures of a single step without guidance. */
static enum ltd_status time_vae(struct ltd_session *session, const struct ltd_gen_params *params,
                                enum bench_only only, int rounds, struct stopwatch *w, struct ltd_error *err)
{
    struct ltd_gen_params p = *params;
    struct ltd_image *source = NULL;
    enum ltd_status st = ltd_image_new(p.width, p.height, &source, err);

    for (size_t i = 0; st == LTD_OK && i < (size_t)p.width * (size_t)p.height * 3; i++)
        source->pixels[i] = (uint8_t)(i * 2654435761U >> 24);
    p.steps = 1;
    p.cfg_scale = 1;
    p.strength = 1;
    p.init_image = only == BENCH_ONLY_DECODE ? NULL : source;
    w->last = only == BENCH_ONLY_ENCODE ? BENCH_PART_ENCODE : BENCH_PART_DECODE;
    w->wanted[BENCH_PART_TEXT] = w->wanted[BENCH_PART_STEP] = false;
    w->wanted[BENCH_PART_ENCODE] = w->wanted[BENCH_PART_DECODE] = true;
    for (int i = 0; st == LTD_OK && i < rounds; i++)
        st = make_picture(session, &p, w, err);
    ltd_image_free(source);
    return st;
}

/* One more measurement of the machine's rate, into the mean of all. */
static enum ltd_status time_sgemm(int threads, struct bench_result *result, int *count, struct ltd_error *err)
{
    double rate;
    const enum ltd_status st = ltd_sgemm_speed(threads, SGEMM_SECONDS, &rate, err);

    if (st != LTD_OK)
        return st;
    result->sgemm_flops += (rate - result->sgemm_flops) / ++*count;
    return LTD_OK;
}

enum ltd_status bench_measure(struct ltd_session *session, int threads, const struct ltd_gen_params *params,
                              enum bench_only only, int rounds, struct bench_result *result,
                              struct ltd_error *err)
{
    struct stopwatch *w = calloc(1, sizeof *w);
    enum ltd_status st = w ? LTD_OK : ltd_fail(err, LTD_ENOMEM, "no memory for the times");
    int rates = 0;

    *result = (struct bench_result){0};
    for (size_t i = 0; i < BENCH_PART_COUNT && st == LTD_OK; i++) {
        result->parts[i].items = calloc((size_t)rounds, sizeof *result->parts[i].items);
        if (!result->parts[i].items)
            st = ltd_fail(err, LTD_ENOMEM, "no memory for the times");
    }
    if (st == LTD_OK) {
        w->result = result;
        w->room = (size_t)rounds;
        st = time_sgemm(threads, result, &rates, err);
    }
    if (st == LTD_OK && (only == BENCH_ALL || only == BENCH_ONLY_STEP)) {
        st = time_steps(session, params, rounds, w, err);
        if (st == LTD_OK)
            st = time_sgemm(threads, result, &rates, err);
    }
    if (st == LTD_OK && only != BENCH_ONLY_STEP) {
        st = time_vae(session, params, only, rounds, w, err);
        if (st == LTD_OK)
            st = time_sgemm(threads, result, &rates, err);
    }
    free(w);
    return st;
}

void bench_result_fini(struct bench_result *result)
{
    for (size_t i = 0; i < BENCH_PART_COUNT; i++)
        free(result->parts[i].items);
    *result = (struct bench_result){0};
}

const struct bench_turn *bench_middle_turn(const struct bench_turns *turns)
{
    /* Few enough to count for each how many are before it. */
    for (size_t i = 0; i < turns->count; i++) {
        size_t before = 0;

        for (size_t j = 0; j < turns->count; j++) {
            const double other = turns->items[j].seconds, own = turns->items[i].seconds;

            before += other < own || (other == own && j < i);
        }
        if (before == (turns->count - 1) / 2)
            return &turns->items[i];
    }
    return NULL;
}
