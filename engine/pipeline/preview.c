#include "pipeline/preview.h"

#include <math.h>
#include <stdlib.h>

#include "base/torch_rng.h"

/* The random latents: of each channel some slow waves, as pictures have areas, and a little noise, as they
 * have edges.  Of what was tried, a map fitted to these draws most like one fitted to real pictures. */
enum { SIDE = 8, PIXELS = SIDE * SIDE, WAVES = 3, MOST_LATENTS = 8, SEED = 1 };
static const double most_flop = 80e9;
static const double wave_deviation = 0.7, noise_deviation = 0.3;
/* Keeps the fit solvable with more channels than pixels; next to PIXELS it changes nothing that shows. */
static const double ridge = 0.01;

enum fit_state { FIT_NONE, FIT_BEGUN, FIT_DONE };

struct preview {
    const struct vae *vae;
    size_t features;  /* the latent's channels, and 1 */
    atomic_int state; /* enum fit_state; who turns it to FIT_BEGUN writes the map */
    float map[];      /* [3][features], to 0..255 */
};

enum ltd_status preview_new(const struct vae *vae, struct preview **out, struct ltd_error *err)
{
    const size_t features = vae_config(vae)->latent_channels + 1;
    struct preview *p = calloc(1, sizeof *p + 3 * features * sizeof p->map[0]);

    if (!p)
        return ltd_fail(err, LTD_ENOMEM, "no memory for previews");
    p->vae = vae;
    p->features = features;
    atomic_init(&p->state, FIT_NONE);
    *out = p;
    return LTD_OK;
}

void preview_free(struct preview *p)
{
    free(p);
}

/* Of unit mean square over the side. */
static double wave(int count, size_t at)
{
    return count == 0 ? 1 : sqrt(2) * cos(acos(-1) * count * ((double)at + 0.5) / SIDE);
}

static void fill_latent(struct tensor z, struct torch_rng *rng)
{
    float amplitudes[WAVES * WAVES], noise[PIXELS];

    for (size_t c = 0; c < z.c; c++) {
        torch_rng_normal(rng, amplitudes, WAVES * WAVES);
        torch_rng_normal(rng, noise, PIXELS);
        for (size_t i = 0; i < PIXELS; i++) {
            double sum = 0;

            for (int w = 0; w < WAVES * WAVES; w++)
                sum += (double)amplitudes[w] * wave(w / WAVES, i / SIDE) * wave(w % WAVES, i % SIDE);
            z.data[i * z.c + c] = (float)(wave_deviation / WAVES * sum + noise_deviation * (double)noise[i]);
        }
    }
}

/* The mean colour of the pixels that latent pixel i becomes. */
static void block_mean(double rgb[3], struct tensor image, size_t i)
{
    const size_t side = image.w / SIDE, y = i / SIDE * side, x = i % SIDE * side;

    rgb[0] = rgb[1] = rgb[2] = 0;
    for (size_t row = y; row < y + side; row++)
        for (size_t at = (row * image.w + x) * 3; at < (row * image.w + x + side) * 3; at += 3)
            for (size_t k = 0; k < 3; k++)
                rgb[k] += (double)image.data[at + k];
    for (size_t k = 0; k < 3; k++)
        rgb[k] /= (double)(side * side);
}

/* Adds one latent to the normal equations of the fit: the lower half of a [n, n], and b [n, 3]. */
static void add_equations(double *a, double *b, size_t n, struct tensor z, struct tensor image)
{
    for (size_t i = 0; i < PIXELS; i++) {
        const float *pixel = z.data + i * z.c;
        double rgb[3];

        block_mean(rgb, image, i);
        for (size_t row = 0; row < n; row++) {
            const double value = row < z.c ? (double)pixel[row] : 1;

            for (size_t col = 0; col <= row; col++)
                a[row * n + col] += value * (col < z.c ? (double)pixel[col] : 1);
            for (size_t k = 0; k < 3; k++)
                b[row * 3 + k] += value * rgb[k];
        }
    }
}

/* a x = b by Cholesky's factors, both in place; x [n, 3] is where b was. */
static void solve(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];

            for (size_t k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
        for (size_t c = 0; c < 3; c++) {
            for (size_t k = 0; k < i; k++)
                b[i * 3 + c] -= a[i * n + k] * b[k * 3 + c];
            b[i * 3 + c] /= a[i * n + i];
        }
    }
    for (size_t i = n; i-- > 0;)
        for (size_t c = 0; c < 3; c++) {
            for (size_t k = i + 1; k < n; k++)
                b[i * 3 + c] -= a[k * n + i] * b[k * 3 + c];
            b[i * 3 + c] /= a[i * n + i];
        }
}

/* What a fit takes from its exec; run dry first. */
struct fit {
    struct tensor z, scaled; /* [n, SIDE, SIDE, channels]: as the U-Net sees them, and as the VAE does */
    struct tensor image;     /* [n, factor * SIDE, factor * SIDE, 3] */
};

static void decode_random(const struct preview *p, struct exec *e, size_t latents, struct fit *f)
{
    const struct vae_config *v = vae_config(p->vae);
    const size_t side = SIDE * vae_factor(v);
    struct torch_rng rng;

    f->z = exec_tensor(e, latents, SIDE, SIDE, v->latent_channels);
    f->scaled = exec_like(e, f->z);
    f->image = exec_tensor(e, latents, side, side, 3);
    if (!exec_is_dry(e)) {
        torch_rng_init(&rng, SEED);
        for (size_t i = 0; i < latents; i++)
            fill_latent(tensor_item(f->z, i), &rng);
        for (size_t i = 0; i < tensor_count(f->z); i++)
            f->scaled.data[i] = f->z.data[i] / (float)v->scaling_factor;
    }
    vae_decode(p->vae, e, f->image, f->scaled);
}

/* False without memory; the map is then as it was. */
static bool fit_map(struct preview *p, const struct fit *f)
{
    const size_t n = p->features;
    double *a = calloc(n * n, sizeof *a), *b = calloc(n * 3, sizeof *b);
    const bool good = a && b;

    if (good) {
        for (size_t i = 0; i < n; i++)
            a[i * n + i] = ridge;
        for (size_t i = 0; i < f->z.n; i++)
            add_equations(a, b, n, tensor_item(f->z, i), tensor_item(f->image, i));
        solve(a, b, n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 3; k++)
                p->map[k * n + i] = (float)(127.5 * b[i * 3 + k] + (i + 1 == n ? 127.5 : 0));
    }
    free(a);
    free(b);
    return good;
}

static bool fit(struct preview *p, struct pool *pool, const atomic_bool *cancel)
{
    struct arena dry_arena, arena = {0};
    struct exec dry = {.arena = &dry_arena}, e = {.arena = &arena, .pool = pool, .cancel = cancel};
    struct fit f;
    size_t lanes, latents;
    bool good = false;

    arena_init_dry(&dry_arena);
    decode_random(p, &dry, 1, &f);
    latents = dry.flop * MOST_LATENTS <= most_flop ? MOST_LATENTS : (size_t)(most_flop / dry.flop);
    latents = latents < 1 ? 1 : latents;
    decode_random(p, &dry, latents, &f);
    lanes = dry.lane_bytes * (size_t)pool_threads(pool);
    arena_init_dry(&dry_arena);
    arena_alloc(&dry_arena, lanes, 1);
    decode_random(p, &dry, latents, &f);
    if (!dry_arena.overflow && arena_reserve(&arena, dry_arena.peak, NULL) == LTD_OK) {
        exec_set_lanes(&e, arena_alloc(&arena, lanes, 1), dry.lane_bytes);
        decode_random(p, &e, latents, &f);
        good = !exec_is_canceled(&e) && fit_map(p, &f);
    }
    arena_fini(&arena);
    return good;
}

bool preview_ready(struct preview *p, struct pool *pool, const atomic_bool *cancel)
{
    int state = atomic_load_explicit(&p->state, memory_order_acquire);

    if (state == FIT_NONE && atomic_compare_exchange_strong(&p->state, &state, FIT_BEGUN)) {
        state = fit(p, pool, cancel) ? FIT_DONE : FIT_NONE;
        atomic_store_explicit(&p->state, state, memory_order_release);
    }
    return state == FIT_DONE;
}

void preview_draw(const struct preview *p, uint8_t *rgb, const float *latent, size_t pixels)
{
    const size_t channels = p->features - 1;

    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < 3; k++) {
            const float *map = p->map + k * p->features;
            float value = map[channels] + 0.5F;

            for (size_t c = 0; c < channels; c++)
                value += map[c] * latent[c * pixels + i];
            /* What is not a number is black. */
            rgb[i * 3 + k] = (uint8_t)(value > 0 ? value < 255 ? value : 255 : 0);
        }
}
