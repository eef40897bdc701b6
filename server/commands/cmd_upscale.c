#include "commands/commands.h"

#include "api/request_upscale.h"
#include "commands/picture_output.h"
#include "options/option_table.h"
#include "util/clock.h"
#include "util/exit_code.h"
#include "util/read_file.h"

#include <latentd/limits.h>
#include <latentd/upscale.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the picture: the file, and its pixels. */
static const size_t max_file_bytes = (size_t)256 << 20;
static const size_t max_image_pixels = (size_t)64 << 20;

enum upscale_index {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) UPSCALE_##key,
#include "commands/upscale.def"
#undef OPTION
    UPSCALE_COUNT
};

struct upscale_flags {
#define OPTION(kind, place, key, standard, min, max, unit, value, help) OPTION_TYPE_##kind key;
#include "commands/upscale.def"
#undef OPTION
    struct option_origin origins[UPSCALE_COUNT];
};

static const struct option_spec specs[UPSCALE_COUNT] = {
#define OPTION(...) OPTION_SPEC(upscale_flags, __VA_ARGS__),
#include "commands/upscale.def"
#undef OPTION
};

static void print_help(void)
{
    fputs("latentd upscale --image FILE --output FILE [flags]\n"
          "\n"
          "Makes a picture larger without a daemon.  These flags stand alone: neither the environment nor a\n"
          "configuration file is read.\n"
          "\n",
          stdout);
    option_print_help(stdout, specs, UPSCALE_COUNT);
}

static bool has(const struct upscale_flags *flags, enum upscale_index index)
{
    return flags->origins[index].rank == OPTION_FLAG;
}

static struct ltd_picture_form form_of(const struct upscale_flags *flags)
{
    return picture_output_form(flags->output, flags->quality, flags->lossless);
}

static void check_flags(struct option_set *set, const struct upscale_flags *flags)
{
    const struct ltd_picture_form form = form_of(flags);

    if (!has(flags, UPSCALE_image))
        option_set_problem(set, "--image: is missing; name the picture to make larger");
    if (!has(flags, UPSCALE_output))
        option_set_problem(set, "--output: is missing; name the file to write");
    else
        picture_output_check(set, flags->output);
    if (has(flags, UPSCALE_scale) && !(flags->scale >= 1))
        option_set_problem(set, "--scale: is %g; 1 to %g can be asked for", flags->scale, LTD_MAX_UPSCALE);
    picture_output_check_form(set, &form, has(flags, UPSCALE_quality));
}

/* What is made larger, and by what. */
struct task {
    struct ltd_upscalers *upscalers;
    struct ltd_image *image;
    char *before; /* the settings that it came with; NULL: none */
    struct ltd_upscale_params params;
};

static void task_fini(struct task *task)
{
    ltd_upscalers_close(task->upscalers);
    ltd_image_free(task->image);
    free(task->before);
}

static void open_upscalers(struct option_set *set, const struct upscale_flags *flags, struct task *task)
{
    struct ltd_error err;

    if (ltd_upscalers_open(*flags->upscalers_dir ? flags->upscalers_dir : NULL, &task->upscalers, &err) !=
        LTD_OK)
        option_set_problem(set, "--upscalers-dir: %s", err.message);
}

static void open_image(struct option_set *set, const struct upscale_flags *flags, struct task *task)
{
    void *data = NULL;
    size_t size = 0;
    struct ltd_error err;
    const char *wrong = read_file(flags->image, max_file_bytes, &data, &size);

    if (wrong)
        option_set_problem(set, "--image: %s: %s", flags->image, wrong);
    else if (request_upscale_open(data, size, max_image_pixels, &task->image, &task->before, &err) != LTD_OK)
        option_set_problem(set, "--image: %s: %s", flags->image, err.message);
    free(data);
}

static void prepare(struct option_set *set, const struct upscale_flags *flags, struct task *task)
{
    struct ltd_upscale_params *p = &task->params;
    struct ltd_error err;

    open_upscalers(set, flags, task);
    open_image(set, flags, task);
    if (set->problem_count > 0)
        return;
    *p = (struct ltd_upscale_params){
        .image = task->image, .upscaler = flags->upscaler, .numerics = (enum ltd_numerics)flags->numerics};
    p->scale = has(flags, UPSCALE_scale) ? flags->scale
                                         : request_upscale_own_scale(task->upscalers, flags->upscaler);
    p->width = (int)(task->image->width * p->scale);
    p->height = (int)(task->image->height * p->scale);
    if (ltd_upscale_check(task->upscalers, p, &err) != LTD_OK)
        option_set_problem(set, "--%s: %s", err.status == LTD_ETOOBIG ? "scale" : "upscaler", err.message);
}

/* One line that is written over, on a terminal only. */
static void show_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    (void)arg, (void)phase;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Ktile %d of %d", done, total);
}

static enum ltd_status make(const struct task *task, int threads, struct ltd_image **out,
                            struct ltd_error *err)
{
    const struct ltd_watch watch = {.progress = show_progress};
    struct ltd_session *session = NULL;
    enum ltd_status st = ltd_session_new(NULL, threads, &session, err);

    if (st == LTD_OK)
        st = ltd_session_upscale(session, task->upscalers, &task->params, &watch, out, NULL, err);
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    ltd_session_free(session);
    return st;
}

static int upscale(const struct upscale_flags *flags, const struct task *task)
{
    const struct ltd_picture_form form = form_of(flags);
    const double begin = clock_monotonic();
    char *text = ltd_upscale_text(&task->params, task->before);
    struct ltd_image *image = NULL;
    struct ltd_bytes bytes = {0};
    struct ltd_error err;
    int code = EXIT_CODE_FAILED;
    enum ltd_status st =
        text ? ltd_picture_check(form.format, task->params.width, task->params.height, text, &err)
             : ltd_fail(&err, LTD_ENOMEM, "no memory for the picture's text");

    if (st == LTD_OK)
        st = make(task, flags->threads, &image, &err);
    if (st == LTD_OK)
        st = ltd_picture_encode(image, &form, text, NULL, &bytes, &err);
    if (st == LTD_OK)
        code = picture_output_write(flags->output, &bytes);
    else
        fprintf(stderr, "latentd: %s\n", err.message);
    if (code == EXIT_CODE_DONE)
        fprintf(stderr, "%s: %dx%d, %.2f s\n", flags->output, image->width, image->height,
                clock_monotonic() - begin);
    free(text);
    free(bytes.data);
    ltd_image_free(image);
    return code;
}

int cmd_upscale(int argc, const char *const *argv)
{
    struct upscale_flags flags = {0};
    struct option_set set = {specs, UPSCALE_COUNT, &flags, flags.origins, stderr, 0};
    struct task task = {0};
    int code = EXIT_CODE_DONE;

    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    if (flags.help) {
        print_help();
    } else {
        check_flags(&set, &flags);
        if (set.problem_count == 0)
            prepare(&set, &flags, &task);
        code = set.problem_count > 0 ? EXIT_CODE_USAGE : upscale(&flags, &task);
    }
    if (code == EXIT_CODE_USAGE)
        fputs("latentd upscale --help tells the flags\n", stderr);
    task_fini(&task);
    option_set_clear(&set);
    return code;
}
