/* unipc.c - UniPC (Zhao et al. 2023, arXiv 2302.04867), predicting the clean sample: each step is predicted
 * from the clean samples that are known, and corrected once the network has looked at where it led. */
#include <math.h>

#include "sampling/levels.h"

enum {
    MAX_ORDER = 3,
    HISTORY = MAX_ORDER + 1,
    LAST = FIRST_OWN_VECTOR,
    FIRST_CLEAN,
    VECTORS = FIRST_CLEAN + HISTORY
};

/* x' = sample_scale x + data_scale m0 + sum of slope[k] (m_k+1 - m0) + newest (m - m0), with m0 the clean
 * sample of the level before, m_k those of the levels before it, and m that of this level. */
struct blend {
    float sample_scale, data_scale, slope[MAX_ORDER - 1], newest;
};

struct unipc_move {
    bool corrects;
    struct blend corrector, predictor;
};

static float lambda_of(struct signal_level level)
{
    return logf(level.alpha) - logf(level.sigma);
}

/* Solves rows x = b, of n <= 3, by elimination with pivots.  rows and b are overwritten. */
static void solve(int n, double rows[MAX_ORDER][MAX_ORDER], double *b)
{
    for (int c = 0; c < n; c++) {
        int pivot = c;

        for (int r = c + 1; r < n; r++)
            if (fabs(rows[r][c]) > fabs(rows[pivot][c]))
                pivot = r;
        for (int k = 0; k < n; k++) {
            const double swapped = rows[c][k];

            rows[c][k] = rows[pivot][k];
            rows[pivot][k] = swapped;
        }
        const double swapped = b[c];
        b[c] = b[pivot];
        b[pivot] = swapped;
        for (int r = c + 1; r < n; r++) {
            const double share = rows[r][c] / rows[c][c];

            for (int k = c; k < n; k++)
                rows[r][k] -= share * rows[c][k];
            b[r] -= share * b[c];
        }
    }
    for (int r = n - 1; r >= 0; r--) {
        for (int k = r + 1; k < n; k++)
            b[r] -= rows[r][k] * b[k];
        b[r] /= rows[r][r];
    }
}

/* The weights rho of the paper's equation 9 for n ratios r of steps in lambda; f32 in the reference's order,
 * for its cancellations show. */
static void weigh(int n, const float *r, float h, float scale, double *rho)
{
    double rows[MAX_ORDER][MAX_ORDER];
    float phi = expm1f(h) / h - 1.0F, factorial = 1;

    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++)
            rows[i][k] = (double)powf(r[k], (float)i);
        rho[i] = (double)(phi * factorial / scale);
        factorial *= (float)(i + 2);
        phi = phi / h - 1.0F / factorial;
    }
    solve(n, rows, rho);
}

/* From one level to the next, whose sigmas are sigmas[0] and sigmas[1]; those before stand before them. */
static struct blend blend_of(const float *sigmas, int order, bool corrects, int solver)
{
    const struct signal_level here = level_of_sigma(sigmas[0]), after = level_of_sigma(sigmas[1]);
    const float lambda = lambda_of(here), h = lambda - lambda_of(after);
    const float scale = solver == SOLVER_BH1 ? h : expm1f(h);
    struct blend blend = {.sample_scale = after.sigma / here.sigma, .data_scale = -after.alpha * expm1f(h)};
    const int unknowns = corrects ? order : order - 1;
    float r[MAX_ORDER];
    double rho[MAX_ORDER] = {0.5}; /* the simple ones of the lowest order */

    for (int k = 0; k < order - 1; k++)
        r[k] = (lambda_of(level_of_sigma(sigmas[-1 - k])) - lambda) / -h;
    r[order - 1] = 1;
    if (unknowns > 1)
        weigh(unknowns, r, h, scale, rho);
    for (int k = 0; k < order - 1; k++)
        blend.slope[k] = -after.alpha * scale * (float)rho[k] / r[k];
    if (corrects)
        blend.newest = -after.alpha * scale * (float)rho[order - 1];
    return blend;
}

static bool usable(const struct blend *blend)
{
    return isfinite(blend->sample_scale) && isfinite(blend->data_scale) && isfinite(blend->slope[0]) &&
           isfinite(blend->slope[1]) && isfinite(blend->newest);
}

static int order_of(const struct schedule_settings *settings, int left, int known)
{
    const int order = setting_int(settings, KEY_solver_order);
    const int final = setting_flag(settings, KEY_lower_order_final) && left < order ? left : order;

    return final < known ? final : known;
}

static enum ltd_status fill(struct sampling_plan *plan, const struct levels *levels,
                            const struct plan_request *request, struct ltd_error *err)
{
    const int solver = setting_int(request->settings, KEY_solver_type);
    const enum ltd_status status = sampling_plan_reserve(plan, levels->count, sizeof(struct unipc_move), err);
    int order_before = 0;

    if (status != LTD_OK)
        return status;
    if (solver == SOLVER_BH1 && levels->sigmas[levels->count] == 0)
        return ltd_fail(
            err, LTD_EINVAL,
            "solver_type bh1 of the model's scheduler_config.json does not go to a final sigma of "
            "zero; take another sampler");
    plan->vectors = VECTORS;
    for (int e = 0; e < levels->count; e++) {
        const int order = order_of(request->settings, levels->count - e, e + 1);
        struct unipc_move *m = sampling_move(plan, e);

        levels_step(levels, e, &plan->step[e]);
        m->predictor = blend_of(levels->sigmas + e, order, false, solver);
        m->corrects = e > 0;
        if (e > 0)
            m->corrector = blend_of(levels->sigmas + e - 1, order_before, true, solver);
        order_before = order;
        if (!usable(&m->predictor) || !usable(&m->corrector))
            return ltd_fail(
                err, LTD_EINVAL,
                "the noise does not fall from step %d of %d; take fewer steps or another scheduler",
                levels->first + e + 1, levels->first + levels->count);
    }
    return LTD_OK;
}

static enum ltd_status plan_run(struct sampling_plan *plan, const struct plan_request *request,
                                struct ltd_error *err)
{
    const struct level_rules rules = {.open = true, .rounds = true, .ends_on_last = true};

    return levels_plan(plan, request, rules, fill, err);
}

/* The clean sample of so many evaluations ago. */
static float *past(const struct sampling_state *state, int evaluation, int ago)
{
    return state_vector(state, FIRST_CLEAN + (evaluation + HISTORY - ago) % HISTORY);
}

/* x = the blend, from `from` and the clean samples before and at `newest`. */
static void mix(struct sampling_state *state, const struct blend *b, const float *from, int before,
                int newest)
{
    const float *m = past(state, newest, 0), *m0 = past(state, before, 0);
    const float *m1 = past(state, before, 1), *m2 = past(state, before, 2);

    for (size_t i = 0; i < state->n; i++) {
        float x = b->sample_scale * from[i] + b->data_scale * m0[i];

        if (b->slope[0] != 0)
            x += b->slope[0] * (m1[i] - m0[i]);
        if (b->slope[1] != 0)
            x += b->slope[1] * (m2[i] - m0[i]);
        if (b->newest != 0)
            x += b->newest * (m[i] - m0[i]);
        state->x[i] = x;
    }
}

static void advance(const struct sampling_plan *plan, int evaluation, struct sampling_state *state)
{
    const struct unipc_move *m = sampling_move(plan, evaluation);
    float *last = state_vector(state, LAST);

    sampling_clean(plan, evaluation, state, past(state, evaluation, 0));
    if (m->corrects)
        mix(state, &m->corrector, last, evaluation - 1, evaluation);
    for (size_t i = 0; i < state->n; i++)
        last[i] = state->x[i];
    mix(state, &m->predictor, last, evaluation, evaluation);
}

const struct sampler_code unipc_code = {plan_run, advance};
