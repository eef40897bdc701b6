#include "sampling/noise_schedule.h"

#include <math.h>
#include <stdlib.h>

float torch_linspace_f32_at(float start, float end, int count, int i)
{
    const float step = count > 1 ? (end - start) / (float)(count - 1) : 0.0F;

    return i < count / 2 || count == 1 ? fmaf(step, (float)i, start)
                                       : fmaf(-step, (float)(count - 1 - i), end);
}

void torch_linspace_f32(float *out, int count, float start, float end)
{
    for (int i = 0; i < count; i++)
        out[i] = torch_linspace_f32_at(start, end, count, i);
}

static double squared_cosine(double t)
{
    const double c = cos((t + 0.008) / 1.008 * M_PI / 2);

    return c * c;
}

/* Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17. */
static void squared_cosine_betas(float *betas, int count)
{
    for (int i = 0; i < count; i++) {
        const double from = squared_cosine((double)i / count);
        const double to = squared_cosine((double)(i + 1) / count);

        betas[i] = (float)fmin(1 - to / from, 0.999);
    }
}

static void fill_betas(float *betas, int count, const struct schedule_settings *settings)
{
    const double start = settings->value[KEY_beta_start], end = settings->value[KEY_beta_end];

    if (settings->trained_betas) {
        for (int i = 0; i < count; i++)
            betas[i] = settings->trained_betas[i];
        return;
    }
    switch (setting_int(settings, KEY_beta_schedule)) {
    case BETAS_SQUARED_COSINE:
        squared_cosine_betas(betas, count);
        break;
    case BETAS_SCALED_LINEAR:
        torch_linspace_f32(betas, count, (float)sqrt(start), (float)sqrt(end));
        for (int i = 0; i < count; i++)
            betas[i] *= betas[i];
        break;
    default:
        torch_linspace_f32(betas, count, (float)start, (float)end);
        break;
    }
}

static void cumulate(float *alphas_cumprod, const float *betas, int count)
{
    double product = 1;

    for (int i = 0; i < count; i++) {
        product *= (double)(1.0F - betas[i]);
        alphas_cumprod[i] = (float)product;
    }
}

/* Lin et al. 2023, arXiv 2305.08891, algorithm 1.  levels [count] holds abar, and is overwritten. */
static void rescale_to_zero_snr(float *betas, float *levels, int count)
{
    float first, last, scale;

    for (int i = 0; i < count; i++)
        levels[i] = sqrtf(levels[i]);
    first = levels[0];
    last = levels[count - 1];
    scale = first / (first - last);
    for (int i = 0; i < count; i++) {
        const float shifted = (levels[i] - last) * scale;

        levels[i] = shifted * shifted;
    }
    betas[0] = 1.0F - levels[0];
    for (int i = 1; i < count; i++)
        betas[i] = 1.0F - levels[i] / levels[i - 1];
}

static bool is_schedule(const float *alphas_cumprod, int count)
{
    for (int i = 0; i < count; i++) {
        const float before = i > 0 ? alphas_cumprod[i - 1] : 1.0F;

        if (!(alphas_cumprod[i] >= 0 && alphas_cumprod[i] < 1 && alphas_cumprod[i] <= before))
            return false;
    }
    return true;
}

enum ltd_status noise_schedule_init(struct noise_schedule *noise, const struct schedule_settings *settings,
                                    struct ltd_error *err)
{
    const int count = setting_int(settings, KEY_num_train_timesteps);
    float *betas = malloc((size_t)count * sizeof *betas);
    float *levels = malloc((size_t)count * sizeof *levels);
    enum ltd_status status = LTD_OK;

    if (!betas || !levels) {
        status = ltd_fail(err, LTD_ENOMEM, "no memory for the noise schedule");
        goto fail;
    }
    fill_betas(betas, count, settings);
    cumulate(levels, betas, count);
    if (setting_flag(settings, KEY_rescale_betas_zero_snr)) {
        rescale_to_zero_snr(betas, levels, count);
        cumulate(levels, betas, count);
    }
    if (!is_schedule(levels, count)) {
        status = ltd_fail(err, LTD_EFORMAT,
                          "scheduler_config.json: the betas do not make a schedule of falling signal levels");
        goto fail;
    }
    free(betas);
    *noise = (struct noise_schedule){.count = count, .alphas_cumprod = levels};
    return LTD_OK;

fail:
    free(betas);
    free(levels);
    return status;
}

void noise_schedule_fini(struct noise_schedule *noise)
{
    free(noise->alphas_cumprod);
    *noise = (struct noise_schedule){0};
}

void noise_schedule_bound_terminal(struct noise_schedule *noise, const struct schedule_settings *settings)
{
    if (setting_flag(settings, KEY_rescale_betas_zero_snr))
        noise->alphas_cumprod[noise->count - 1] = 0x1p-24F;
}

struct signal_level noise_schedule_level(const struct noise_schedule *noise, int t)
{
    const float level = noise->alphas_cumprod[t];

    return (struct signal_level){.alpha = sqrtf(level), .sigma = sqrtf(1.0F - level)};
}

float noise_schedule_sigma(const struct noise_schedule *noise, int t)
{
    const float level = noise->alphas_cumprod[t];

    return sqrtf((1.0F - level) / level);
}

void noise_mix(float *x, const float *noise, size_t n, float data_scale, float noise_scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = data_scale * x[i] + noise_scale * noise[i];
}
