/* upscaling.c - the story of a picture that is made larger. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/number_text.h"
#include "image/image_pixels.h"
#include "image/image_resize.h"
#include "pipeline/compute_pool.h"
#include "pipeline/session_pool.h"
#include "pipeline/upscale_tiles.h"
#include "pipeline/upscalers.h"

#define MAX_PASSES 3
#define MAX_SIDE   65535

struct upscaling {
    const struct ltd_upscale_params *params;
    const struct upscaler_item *item[2]; /* the second: NULL, or of upscaler_2 */
    const struct upscale_net *net[2];    /* shapes, or what can be run; NULL: built in */
    const struct ltd_watch *watch;       /* NULL: nobody watches, or it is run dry */
    int done, tiles;
};

/* The network's picture, once it has been run one time more. */
static void enlarge_size(const struct upscale_net *net, int64_t *width, int64_t *height)
{
    *width *= (int64_t)upscale_net_factor(net);
    *height *= (int64_t)upscale_net_factor(net);
}

/* How often the network is run: as long as the picture is too small, and once where none larger is asked for,
 * but not for a smaller one. */
static int passes_of(const struct upscale_net *net, const struct ltd_upscale_params *p)
{
    int64_t width = p->image->width, height = p->image->height;
    int count = 0;

    if (!net)
        return 0;
    if (width == p->width && height == p->height)
        return 1;
    while (count < MAX_PASSES && (width < p->width || height < p->height)) {
        count++;
        enlarge_size(net, &width, &height);
        if (upscale_net_factor(net) == 1)
            break;
    }
    return count;
}

static enum ltd_status find_item(const struct ltd_upscalers *upscalers, const char *name,
                                 const struct upscaler_item **out, struct ltd_error *err)
{
    const struct upscaler_item *item = upscalers_find(upscalers, name);

    if (!item)
        return ltd_fail(err, LTD_EINVAL, "there is no upscaler \"%.80s\"", name);
    if (item->refused)
        return ltd_fail(err, LTD_EINVAL, "\"%.80s\" cannot be used: %s", name, item->refused);
    *out = item;
    return LTD_OK;
}

static enum ltd_status check_sizes(const struct upscaling *u, struct ltd_error *err)
{
    const struct ltd_upscale_params *p = u->params;

    if (p->width < 1 || p->height < 1 || p->width > MAX_SIDE || p->height > MAX_SIDE)
        return ltd_fail(err, LTD_EINVAL, "a picture of %d x %d cannot be made: each side must be 1 to %d",
                        p->width, p->height, MAX_SIDE);
    if (p->crop_width < 0 || p->crop_height < 0 || p->crop_width > p->width || p->crop_height > p->height ||
        (p->crop_width > 0) != (p->crop_height > 0))
        return ltd_fail(err, LTD_EINVAL, "%d x %d cannot be cut out of %d x %d", p->crop_width,
                        p->crop_height, p->width, p->height);
    for (int k = 0; k < 2; k++) {
        int64_t width = p->image->width, height = p->image->height;

        for (int i = passes_of(u->net[k], p); i > 0; i--)
            enlarge_size(u->net[k], &width, &height);
        if (width > MAX_SIDE || height > MAX_SIDE)
            return ltd_fail(err, LTD_ETOOBIG,
                            "upscaler \"%.80s\" would make a picture of %" PRId64 " x %" PRId64
                            " on the way; send a smaller one, or ask for less",
                            u->item[k]->name, width, height);
    }
    return LTD_OK;
}

/* With the networks' shapes. */
static enum ltd_status upscaling_init(struct upscaling *u, const struct ltd_upscalers *upscalers,
                                      const struct ltd_upscale_params *params, struct ltd_error *err)
{
    enum ltd_status st;

    *u = (struct upscaling){.params = params};
    if (!(params->visibility_2 >= 0 && params->visibility_2 <= 1))
        return ltd_fail(err, LTD_EINVAL, "the second upscaler's share is %g; it is 0 to 1",
                        params->visibility_2);
    st = find_item(upscalers, params->upscaler, &u->item[0], err);
    if (st == LTD_OK && params->upscaler_2)
        st = find_item(upscalers, params->upscaler_2, &u->item[1], err);
    if (st != LTD_OK)
        return st;
    for (int k = 0; k < 2; k++)
        u->net[k] = u->item[k] ? u->item[k]->shapes : NULL;
    return check_sizes(u, err);
}

enum ltd_status ltd_upscale_check(const struct ltd_upscalers *upscalers,
                                  const struct ltd_upscale_params *params, struct ltd_error *err)
{
    struct upscaling u;

    return upscaling_init(&u, upscalers, params, err);
}

size_t ltd_upscale_pixels(const struct ltd_upscalers *upscalers, const struct ltd_upscale_params *params)
{
    int64_t most = (int64_t)params->width * params->height;
    struct upscaling u;

    if (upscaling_init(&u, upscalers, params, NULL) != LTD_OK)
        return SIZE_MAX;
    for (int k = 0; k < 2; k++) {
        int64_t width = params->image->width, height = params->image->height;

        for (int i = passes_of(u.net[k], params); i > 0; i--)
            enlarge_size(u.net[k], &width, &height);
        most = width * height > most ? width * height : most;
    }
    return (size_t)most;
}

/* ---- running ---- */

static void on_tile(void *arg)
{
    struct upscaling *u = arg;

    u->done++;
    if (u->watch && u->watch->progress)
        u->watch->progress(u->watch->arg, LTD_PHASE_SAMPLE, u->done, u->tiles);
}

/* *image, which is freed, becomes what the network makes of it; dry, only its size does. */
static enum ltd_status run_pass(struct upscaling *u, struct exec *e, const struct upscale_net *net,
                                struct ltd_image **image, struct ltd_image *size, struct ltd_error *err)
{
    const struct ltd_image in = *image ? **image : *size;
    const int factor = (int)upscale_net_factor(net);
    struct ltd_image *made = NULL;
    enum ltd_status st = LTD_OK;

    *size = (struct ltd_image){in.width * factor, in.height * factor, NULL};
    if (!exec_is_dry(e))
        st = ltd_image_new(size->width, size->height, &made, err);
    if (st == LTD_OK)
        st = upscale_tiles_run(net, e, made ? made : size, &in, on_tile, u, err);
    if (st != LTD_OK) {
        ltd_image_free(made);
        return st;
    }
    ltd_image_free(*image);
    *image = made;
    return LTD_OK;
}

/* The picture by the k-th upscaler before it is resized: a copy of params' where no network has a part.  On a
 * dry e *out stays NULL. */
static enum ltd_status run_network(struct upscaling *u, struct exec *e, int k, struct ltd_image **out,
                                   struct ltd_error *err)
{
    struct ltd_image size = {u->params->image->width, u->params->image->height, NULL}, *image = NULL;
    enum ltd_status st = exec_is_dry(e) ? LTD_OK : image_copy(u->params->image, &image, err);

    for (int i = passes_of(u->net[k], u->params); st == LTD_OK && i > 0; i--) {
        const size_t mark = exec_mark(e);

        st = run_pass(u, e, u->net[k], &image, &size, err);
        exec_rewind(e, mark);
    }
    if (st == LTD_OK)
        *out = image;
    else
        ltd_image_free(image);
    return st;
}

struct scratch {
    size_t lane_bytes, bytes;
    double flop;
};

/* Runs it dry: what it takes of so many threads, and how many tiles there are. */
static enum ltd_status plan(struct upscaling *u, int threads, struct scratch *out, struct ltd_error *err)
{
    struct arena arena, lanes;
    struct exec dry = {.arena = &arena, .strict = u->params->numerics == LTD_NUMERICS_STRICT};
    const struct ltd_watch *watch = u->watch;
    struct ltd_image *none = NULL;
    enum ltd_status st = LTD_OK;

    u->watch = NULL;
    arena_init_dry(&arena);
    for (int k = 0; st == LTD_OK && k < 2; k++)
        st = run_network(u, &dry, k, &none, err);
    u->tiles = u->done;
    u->done = 0;
    u->watch = watch;
    if (st != LTD_OK)
        return st;
    arena_init_dry(&lanes);
    arena_alloc(&lanes, (size_t)threads, dry.lane_bytes);
    *out = (struct scratch){.lane_bytes = dry.lane_bytes, .flop = dry.flop};
    if (arena.overflow || lanes.overflow || __builtin_add_overflow(lanes.peak, arena.peak, &out->bytes))
        return ltd_fail(err, LTD_ETOOBIG, "a picture of this size does not fit into memory");
    return LTD_OK;
}

enum ltd_status ltd_upscale_cost(const struct ltd_upscalers *upscalers,
                                 const struct ltd_upscale_params *params, int threads, struct ltd_cost *out,
                                 struct ltd_error *err)
{
    struct scratch scratch;
    struct upscaling u;
    enum ltd_status st = compute_pool_threads(&threads, err);

    if (st == LTD_OK)
        st = upscaling_init(&u, upscalers, params, err);
    if (st == LTD_OK)
        st = plan(&u, threads, &scratch, err);
    if (st == LTD_OK)
        *out = (struct ltd_cost){.step_flop = u.tiles > 0 ? scratch.flop / u.tiles : 0,
                                 .evaluations = u.tiles,
                                 .scratch_bytes = scratch.bytes};
    return st;
}

/* To the size that is asked for, by the upscaler's own way, and cut. */
static enum ltd_status fit(const struct upscaling *u, int k, struct ltd_image **image, struct ltd_error *err)
{
    const struct ltd_upscale_params *p = u->params;
    struct ltd_image *made = NULL;
    enum ltd_status st = u->item[k]->kind == UPSCALER_NEAREST
                             ? image_resize_nearest(*image, p->width, p->height, &made, err)
                             : ltd_image_resize(*image, p->width, p->height, &made, err);

    ltd_image_free(*image);
    *image = made;
    if (st != LTD_OK || p->crop_width == 0)
        return st;
    st = image_crop_middle(made, p->crop_width, p->crop_height, image, err);
    ltd_image_free(made);
    return st;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum ltd_status run_one(struct upscaling *u, struct exec *e, int k, struct ltd_image **out,
                               struct ltd_gen_report *report, struct ltd_error *err)
{
    const double begun = seconds();
    struct ltd_image *image = NULL;
    enum ltd_status st = run_network(u, e, k, &image, err);
    const double made = seconds();

    if (st == LTD_OK)
        st = fit(u, k, &image, err);
    report->sample_s += made - begun;
    report->decode_s += seconds() - made;
    if (st == LTD_OK)
        *out = image;
    else
        ltd_image_free(image);
    return st;
}

static enum ltd_status run_both(struct upscaling *u, struct exec *e, struct ltd_image **out,
                                struct ltd_gen_report *report, struct ltd_error *err)
{
    struct ltd_image *first = NULL, *second = NULL;
    enum ltd_status st = run_one(u, e, 0, &first, report, err);

    if (st == LTD_OK && u->item[1])
        st = run_one(u, e, 1, &second, report, err);
    if (st == LTD_OK && second)
        image_blend(first, second, u->params->visibility_2);
    ltd_image_free(second);
    if (st == LTD_OK)
        *out = first;
    else
        ltd_image_free(first);
    return st;
}

static enum ltd_status run(struct upscaling *u, struct pool *pool, struct ltd_image **out,
                           struct ltd_gen_report *report, struct ltd_error *err)
{
    struct arena arena = {0};
    struct exec e = {.arena = &arena,
                     .pool = pool,
                     .cancel = u->watch ? u->watch->cancel : NULL,
                     .strict = u->params->numerics == LTD_NUMERICS_STRICT,
                     .timings = u->watch ? u->watch->timings : NULL};
    const int threads = pool ? pool_threads(pool) : 1;
    struct scratch scratch;
    enum ltd_status st = plan(u, threads, &scratch, err);

    if (st == LTD_OK)
        st = arena_reserve(&arena, scratch.bytes, err);
    if (st != LTD_OK)
        return st;
    exec_set_lanes(&e, arena_alloc(&arena, (size_t)threads, scratch.lane_bytes), scratch.lane_bytes);
    if (u->watch && u->watch->progress)
        u->watch->progress(u->watch->arg, LTD_PHASE_SAMPLE, 0, u->tiles);
    st = run_both(u, &e, out, report, err);
    report->planned_bytes = scratch.bytes;
    report->used_bytes = arena.peak;
    arena_fini(&arena);
    return st;
}

enum ltd_status ltd_session_upscale(const struct ltd_session *session, const struct ltd_upscalers *upscalers,
                                    const struct ltd_upscale_params *params, const struct ltd_watch *watch,
                                    struct ltd_image **out, struct ltd_gen_report *report,
                                    struct ltd_error *err)
{
    const struct upscale_net *taken[2] = {NULL, NULL};
    struct ltd_gen_report made = {0};
    struct upscaling u;
    enum ltd_status st = upscaling_init(&u, upscalers, params, err);

    for (int k = 0; st == LTD_OK && k < 2; k++)
        if (u.net[k]) {
            st = session ? upscalers_take(upscalers, u.item[k], &taken[k], err)
                         : ltd_fail(err, LTD_EINVAL, "a network needs a session");
            u.net[k] = taken[k];
        }
    if (st == LTD_OK) {
        u.watch = watch;
        st = run(&u, session ? session_pool(session) : NULL, out, &made, err);
    }
    for (int k = 0; k < 2; k++)
        upscalers_release(upscalers, taken[k]);
    if (st == LTD_OK && report)
        *report = made;
    return st;
}

/* ---- settings ---- */

static void put_settings(FILE *out, const struct ltd_upscale_params *p)
{
    char number[NUMBER_TEXT_SIZE];

    if (p->scale > 0) {
        number_text(number, p->scale);
        fprintf(out, "Postprocess upscale by: %s", number);
    } else {
        fprintf(out, "Postprocess upscale to: %dx%d", p->crop_width > 0 ? p->crop_width : p->width,
                p->crop_width > 0 ? p->crop_height : p->height);
    }
    fprintf(out, ", Postprocess upscaler: %s", p->upscaler);
    if (p->upscaler_2) {
        number_text(number, p->visibility_2);
        fprintf(out, ", Postprocess upscaler 2: %s, Postprocess upscaler 2 visibility: %s", p->upscaler_2,
                number);
    }
}

char *ltd_upscale_text(const struct ltd_upscale_params *p, const char *before)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool whole;

    if (!out)
        return NULL;
    if (before && *before)
        fprintf(out, "%s, ", before);
    put_settings(out, p);
    whole = !ferror(out);
    whole = fclose(out) == 0 && whole;
    if (whole)
        return text;
    free(text);
    return NULL;
}
