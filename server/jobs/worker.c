#include "jobs/worker.h"

#include <stdlib.h>

#include "util/clock.h"

/* The part of an image's time that its sampling steps are taken to be. */
static const double sample_share = 0.95;

struct run {
    struct job_progress progress;
    int count;
    const struct worker_sink *sink;
};

static void on_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    struct run *run = arg;
    struct job_progress *now = &run->progress;
    double part = 0;

    now->phase = phase;
    if (phase == LTD_PHASE_SAMPLE) {
        now->step = done;
        now->steps = total;
    }
    if (phase == LTD_PHASE_SAMPLE && total > 0)
        part = sample_share * done / total;
    else if (phase == LTD_PHASE_DECODE)
        part = done >= total ? 1 : sample_share;
    now->fraction = (now->image + part) / run->count;
    run->sink->progress(run->sink->arg, now);
}

/* A preview that there is no memory for is left out. */
static void on_preview(void *arg, const struct ltd_image *picture, int done)
{
    const struct run *run = arg;
    struct ltd_bytes png;
    struct blob *blob;

    (void)done;
    if (ltd_png_encode(picture, NULL, 0, &png, NULL) != LTD_OK)
        return;
    blob = blob_take(png.data, png.size);
    if (blob)
        run->sink->preview(run->sink->arg, blob);
    else
        free(png.data);
}

static enum ltd_status encode(const struct job_request *request, int index, const struct picture_texts *texts,
                              const struct ltd_image *image, struct job_image *out, struct ltd_error *err)
{
    struct ltd_bytes file;
    const enum ltd_status st =
        ltd_picture_encode(image, &request->form, texts->settings, texts->record, &file, err);

    if (st != LTD_OK)
        return st;
    out->file = blob_take(file.data, file.size);
    if (out->file) {
        out->format = request->form.format;
        out->seed = ltd_params_seed(&request->params, index);
        out->width = image->width;
        out->height = image->height;
        sha256_text(file.data, file.size, out->sha256);
        return LTD_OK;
    }
    free(file.data);
    return ltd_fail(err, LTD_ENOMEM, "no memory for the picture");
}

static enum ltd_status make_image(struct ltd_session *session, const struct ltd_upscalers *upscalers,
                                  const struct job_request *request, int index,
                                  const struct worker_sink *sink, const struct ltd_watch *watch,
                                  struct job_result *result)
{
    struct ltd_gen_report report = {0};
    struct picture_texts texts = {0};
    struct ltd_image *image = NULL;
    double start;
    enum ltd_status st =
        request->upscales
            ? ltd_session_upscale(session, upscalers, &request->upscales[index].params, watch, &image,
                                  &report, &result->error)
            : ltd_session_generate(session, &request->params, index, watch, &image, &report, &result->error);

    if (st != LTD_OK)
        return st;
    result->timings.text_s += report.text_s;
    result->timings.encode_s += report.encode_s;
    result->timings.sample_s += report.sample_s;
    result->timings.decode_s += report.decode_s;
    result->timings.recalled |= report.recalled > 0;
    /* What they wait for is waited for once, and no part of what a picture takes. */
    if (request->metadata)
        st = sink->texts(sink->arg, request, index, &texts, &result->error);
    start = clock_monotonic();
    if (st == LTD_OK)
        st = encode(request, index, &texts, image, &result->images[index], &result->error);
    result->timings.png_s += clock_monotonic() - start;
    free(texts.settings);
    free(texts.record);
    ltd_image_free(image);
    if (st == LTD_OK)
        result->image_count++;
    return st;
}

void worker_run(struct ltd_session *session, const struct ltd_upscalers *upscalers,
                const struct job_request *request, const struct worker_sink *sink, struct job_result *result)
{
    struct run run = {.count = request->params.count, .sink = sink};
    const struct ltd_watch watch = {.progress = on_progress,
                                    .arg = &run,
                                    .cancel = sink->cancel,
                                    .preview = on_preview,
                                    .wants_preview = sink->wants_preview};
    enum ltd_status st = LTD_OK;

    *result = (struct job_result){.state = JOB_SUCCEEDED};
    run.progress.steps = request->params.steps;
    result->images = calloc((size_t)run.count, sizeof *result->images);
    if (!result->images)
        st = ltd_fail(&result->error, LTD_ENOMEM, "no memory for the pictures");
    for (int i = 0; st == LTD_OK && i < run.count; i++) {
        run.progress.image = i;
        run.progress.step = 0;
        st = make_image(session, upscalers, request, i, sink, &watch, result);
        if (st == LTD_OK)
            sink->image(sink->arg, i, &result->images[i]);
    }
    if (st == LTD_OK)
        return;
    for (int i = 0; i < result->image_count; i++)
        blob_unref(result->images[i].file);
    free(result->images);
    result->images = NULL;
    result->image_count = 0;
    result->state = st == LTD_ECANCELED ? JOB_CANCELED : JOB_FAILED;
}
