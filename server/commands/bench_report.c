#include "commands/bench_report.h"

#define GIGA 1e9

static void add(struct ltd_timing *sum, const struct ltd_timing *t)
{
    sum->seconds += t->seconds;
    sum->flop += t->flop;
    sum->loops += t->loops;
}

static struct ltd_timing sum_of_kind(const struct ltd_timings *timings, enum ltd_operator kind)
{
    struct ltd_timing sum = {0};

    for (size_t i = 0; i < timings->count; i++)
        add(&sum, &timings->stages[i].kinds[kind]);
    return sum;
}

static struct ltd_timing sum_of_stage(const struct ltd_stage *stage)
{
    struct ltd_timing sum = {0};

    for (size_t i = 0; i < LTD_OPERATOR_COUNT; i++)
        add(&sum, &stage->kinds[i]);
    return sum;
}

static struct ltd_timing sum_of_all(const struct ltd_timings *timings)
{
    struct ltd_timing sum = {0};

    for (size_t i = 0; i < LTD_OPERATOR_COUNT; i++) {
        const struct ltd_timing kind = sum_of_kind(timings, (enum ltd_operator)i);

        add(&sum, &kind);
    }
    return sum;
}

static void stage_name(const struct ltd_stage *stage, char *name, size_t size)
{
    if (stage->index < 0)
        snprintf(name, size, "%s", stage->name);
    else
        snprintf(name, size, "%s %d", stage->name, stage->index);
}

/* FLOP a second. */
static double rate(const struct ltd_timing *t)
{
    return t->seconds > 0 ? t->flop / t->seconds : 0;
}

static double percent(double part, double whole)
{
    return whole > 0 ? part / whole * 100 : 0;
}

/* "   1.234 s  12.3 %  123.4 GF/s   56.7 %": time, share of the whole, rate, share of sgemm's. */
static void print_timing(FILE *out, const struct ltd_timing *t, double whole, double sgemm)
{
    fprintf(out, "%9.4f s %5.1f %%", t->seconds, percent(t->seconds, whole));
    if (t->flop > 0)
        fprintf(out, " %7.1f GF/s %6.1f %% of sgemm", rate(t) / GIGA, percent(rate(t), sgemm));
    fputc('\n', out);
}

static void print_kinds(FILE *out, const struct bench_turn *turn, double sgemm)
{
    const struct ltd_timing inside = sum_of_all(&turn->timings);
    const struct ltd_timing outside = {.seconds = turn->seconds - inside.seconds};

    for (size_t i = 0; i < LTD_OPERATOR_COUNT; i++) {
        const struct ltd_timing sum = sum_of_kind(&turn->timings, (enum ltd_operator)i);

        fprintf(out, "  %-18s", ltd_operator_name((enum ltd_operator)i));
        print_timing(out, &sum, turn->seconds, sgemm);
    }
    fprintf(out, "  %-18s", "between loops");
    print_timing(out, &outside, turn->seconds, sgemm);
}

static void print_stages(FILE *out, const struct bench_turn *turn, double sgemm)
{
    if (turn->timings.count < 2)
        return; /* all of it has been told */
    for (size_t i = 0; i < turn->timings.count; i++) {
        const struct ltd_stage *stage = &turn->timings.stages[i];
        const struct ltd_timing sum = sum_of_stage(stage);
        char name[32];

        stage_name(stage, name, sizeof name);
        fprintf(out, "  %-18s", name);
        print_timing(out, &sum, turn->seconds, sgemm);
        for (size_t k = 0; k < LTD_OPERATOR_COUNT; k++)
            if (stage->kinds[k].seconds > 0) {
                fprintf(out, "    %-16s", ltd_operator_name((enum ltd_operator)k));
                print_timing(out, &stage->kinds[k], turn->seconds, sgemm);
            }
    }
}

static void print_part(FILE *out, enum bench_part part, const struct bench_turns *turns, double sgemm)
{
    const struct bench_turn *turn = bench_middle_turn(turns);
    struct ltd_timing whole;

    if (!turn)
        return;
    whole = sum_of_all(&turn->timings);
    whole.seconds = turn->seconds;
    fprintf(out, "\n%-20s", bench_part_name(part));
    print_timing(out, &whole, turn->seconds, sgemm);
    print_kinds(out, turn, sgemm);
    print_stages(out, turn, sgemm);
}

void bench_print(FILE *out, const struct bench_report *r)
{
    fprintf(out, "latentd %s, %s, %d thread%s, %dx%d pixels, %s weights, %s, the middle of %d round%s\n",
            LATENTD_VERSION, ltd_isa_name(), r->threads, r->threads == 1 ? "" : "s", r->width, r->height,
            r->model->dtype, ltd_precision_name(r->precision), r->rounds, r->rounds == 1 ? "" : "s");
    fprintf(out, "%-20s%9.4f s\n", "start", r->start_s);
    fprintf(out, "%-20s%9.1f GF/s\n", "sgemm", r->result->sgemm_flops / GIGA);
    fprintf(out, "%-20s%9.1f MiB\n", "peak memory", (double)r->peak_rss_bytes / (1 << 20));
    for (size_t i = 0; i < BENCH_PART_COUNT; i++)
        print_part(out, (enum bench_part)i, &r->result->parts[i], r->result->sgemm_flops);
}

static void add_number(struct ltd_json *object, const char *key, double number)
{
    ltd_json_add(object, key, ltd_json_new_number(number));
}

static void add_timing(struct ltd_json *object, const struct ltd_timing *t, double whole, double sgemm)
{
    add_number(object, "seconds", t->seconds);
    add_number(object, "share", percent(t->seconds, whole) / 100);
    add_number(object, "gflop", t->flop / GIGA);
    add_number(object, "gflops", rate(t) / GIGA);
    add_number(object, "share_of_sgemm", percent(rate(t), sgemm) / 100);
}

static struct ltd_json *kind_json(enum ltd_operator kind, const struct ltd_timing *t, double whole,
                                  double sgemm)
{
    struct ltd_json *object = ltd_json_new_object();

    ltd_json_add(object, "operator", ltd_json_new_string(ltd_operator_name(kind)));
    add_timing(object, t, whole, sgemm);
    return object;
}

static struct ltd_json *stage_json(const struct ltd_stage *stage, double whole, double sgemm)
{
    const struct ltd_timing sum = sum_of_stage(stage);
    struct ltd_json *object = ltd_json_new_object(), *kinds = ltd_json_new_array();
    char name[32];

    stage_name(stage, name, sizeof name);
    ltd_json_add(object, "stage", ltd_json_new_string(name));
    add_timing(object, &sum, whole, sgemm);
    for (size_t i = 0; i < LTD_OPERATOR_COUNT; i++)
        if (stage->kinds[i].loops > 0)
            ltd_json_append(kinds, kind_json((enum ltd_operator)i, &stage->kinds[i], whole, sgemm));
    ltd_json_add(object, "operators", kinds);
    return object;
}

static struct ltd_json *part_json(const struct bench_turns *turns, double sgemm)
{
    const struct bench_turn *turn = bench_middle_turn(turns);
    struct ltd_json *object = ltd_json_new_object(), *all = ltd_json_new_array();
    struct ltd_json *kinds = ltd_json_new_array(), *stages = ltd_json_new_array();
    struct ltd_timing whole = sum_of_all(&turn->timings);
    const double inside = whole.seconds;

    whole.seconds = turn->seconds;
    add_timing(object, &whole, turn->seconds, sgemm);
    add_number(object, "between_loops_s", turn->seconds - inside);
    for (size_t i = 0; i < turns->count; i++)
        ltd_json_append(all, ltd_json_new_number(turns->items[i].seconds));
    ltd_json_add(object, "turns_s", all);
    for (size_t i = 0; i < LTD_OPERATOR_COUNT; i++) {
        const struct ltd_timing sum = sum_of_kind(&turn->timings, (enum ltd_operator)i);

        ltd_json_append(kinds, kind_json((enum ltd_operator)i, &sum, turn->seconds, sgemm));
    }
    ltd_json_add(object, "operators", kinds);
    for (size_t i = 0; i < turn->timings.count; i++)
        ltd_json_append(stages, stage_json(&turn->timings.stages[i], turn->seconds, sgemm));
    ltd_json_add(object, "stages", stages);
    return object;
}

struct ltd_json *bench_json(const struct bench_report *r)
{
    struct ltd_json *root = ltd_json_new_object(), *parts = ltd_json_new_object();

    ltd_json_add(root, "version", ltd_json_new_string(LATENTD_VERSION));
    ltd_json_add(root, "isa", ltd_json_new_string(ltd_isa_name()));
    ltd_json_add(root, "dtype", ltd_json_new_string(r->model->dtype));
    ltd_json_add(root, "precision", ltd_json_new_string(ltd_precision_name(r->precision)));
    add_number(root, "threads", r->threads);
    add_number(root, "width", r->width);
    add_number(root, "height", r->height);
    add_number(root, "rounds", r->rounds);
    add_number(root, "start_s", r->start_s);
    for (size_t i = 0; i < BENCH_PART_COUNT; i++) {
        const struct bench_turn *turn = bench_middle_turn(&r->result->parts[i]);
        char key[16];

        if (!turn)
            continue;
        snprintf(key, sizeof key, "%s_s", bench_part_name((enum bench_part)i));
        add_number(root, key, turn->seconds);
        ltd_json_add(parts, bench_part_name((enum bench_part)i),
                     part_json(&r->result->parts[i], r->result->sgemm_flops));
    }
    add_number(root, "sgemm_gflops", r->result->sgemm_flops / GIGA);
    add_number(root, "peak_rss_bytes", (double)r->peak_rss_bytes);
    ltd_json_add(root, "parts", parts);
    return root;
}
