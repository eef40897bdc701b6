#include "commands/commands.h"

#include "api/picture_texts.h"
#include "commands/command_model.h"
#include "commands/generate_request.h"
#include "commands/picture_output.h"
#include "util/clock.h"
#include "util/exit_code.h"
#include "util/model_path.h"
#include "util/model_sha256.h"

#include <latentd/session.h>

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_help(void)
{
    fputs(
        "latentd generate --prompt TEXT --output FILE [flags]\n"
        "\n"
        "Draws without a daemon.  What is left out comes from the model.  These flags stand alone: neither the\n"
        "environment nor a configuration file is read.\n"
        "\n",
        stdout);
    option_print_help(stdout, generate_specs, GENERATE_COUNT);
}

/* One line that is written over, on a terminal only. */
struct progress {
    int index, count;
    bool shown;
};

static void show_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    const struct progress *progress = arg;

    if (!progress->shown)
        return;
    if (phase == LTD_PHASE_SAMPLE)
        fprintf(stderr, "\r\033[Kimage %d of %d: step %d of %d", progress->index + 1, progress->count, done,
                total);
    else
        fprintf(stderr, "\r\033[Kimage %d of %d: %s", progress->index + 1, progress->count,
                ltd_phase_name(phase));
}

/* What all pictures of a command have in common. */
struct drawing {
    const struct ltd_model *model;
    const struct ltd_gen_params *params;
    struct ltd_picture_form form;
    struct ltd_session *session;
    const char *output;
    const char *path; /* the model's, and its name */
    char name[MODEL_NAME_SIZE];
    char sha256[SHA256_TEXT_SIZE]; /* after the first picture; "": it cannot be read */
};

static int write_image(const struct drawing *d, const char *name, int index, const struct ltd_image *image)
{
    const struct ltd_model_label label = {d->name, *d->sha256 ? d->sha256 : NULL};
    struct ltd_bytes bytes = {0};
    struct ltd_error err;
    int code;

    if (picture_file_make(image, d->params, &d->form, d->model, label, index, &bytes, &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    code = picture_output_write(name, &bytes);
    free(bytes.data);
    return code;
}

/* Once, and after a picture: what is wanted of the command is not kept waiting for it. */
static void find_digest(struct drawing *d, int index)
{
    static const atomic_bool never = false;

    if (index == 0 && !model_sha256(d->path, &never, d->sha256))
        d->sha256[0] = '\0';
}

static int draw_one(struct drawing *d, int index)
{
    struct progress progress = {index, d->params->count, isatty(STDERR_FILENO)};
    const struct ltd_watch watch = {.progress = show_progress, .arg = &progress};
    double begin = clock_monotonic();
    struct ltd_gen_report report;
    struct ltd_image *image = NULL;
    struct ltd_error err;
    char name[PATH_MAX];
    enum ltd_status status;
    int code;

    if (!generate_output_name(d->output, index, name, sizeof name)) {
        fprintf(stderr, "latentd: %s: the name is too long\n", d->output);
        return EXIT_CODE_FAILED;
    }
    status = ltd_session_generate(d->session, d->params, index, &watch, &image, &report, &err);
    if (progress.shown)
        fputs("\r\033[K", stderr);
    if (status != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    begin -= clock_monotonic();
    find_digest(d, index);
    begin += clock_monotonic();
    code = write_image(d, name, index, image);
    if (code == EXIT_CODE_DONE)
        fprintf(stderr, "%s: %dx%d, seed %" PRIu64 ", %.2f s\n", name, image->width, image->height,
                ltd_params_seed(d->params, index), clock_monotonic() - begin);
    ltd_image_free(image);
    return code;
}

static int draw_all(const struct generate_flags *flags, const struct ltd_model *model,
                    const struct ltd_gen_params *params)
{
    struct drawing d = {.model = model,
                        .params = params,
                        .form = generate_form(flags),
                        .output = flags->output,
                        .path = command_model_path(flags->model)};
    struct ltd_error err;
    int code = EXIT_CODE_DONE;

    if (ltd_session_new(model, flags->threads, &d.session, &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    model_path_name(d.path, d.name);
    for (int i = 0; i < params->count && code == EXIT_CODE_DONE; i++)
        code = draw_one(&d, i);
    ltd_session_free(d.session);
    return code;
}

typedef enum ltd_status add_folder_fn(struct ltd_model *model, const char *dir, struct ltd_error *err);

/* False, and it is told: the folder cannot be read.  "" is none. */
static bool add_folder(struct ltd_model *model, const char *flag, const char *dir, add_folder_fn *add)
{
    struct ltd_error err;

    if (!*dir || add(model, dir, &err) == LTD_OK)
        return true;
    fprintf(stderr, "latentd: %s: %s\n", flag, err.message);
    return false;
}

static void warn_refused(const char *flag, const char *name, const char *refused)
{
    if (refused)
        fprintf(stderr, "warning: %s: \"%s\": %s\n", flag, name, refused);
}

/* What prompts and flags may name.  A file that cannot be used is a warning. */
static bool add_folders(struct ltd_model *model, const struct generate_flags *flags)
{
    if (!add_folder(model, "--embeddings-dir", flags->embeddings_dir, ltd_model_add_embeddings) ||
        !add_folder(model, "--loras-dir", flags->loras_dir, ltd_model_add_loras) ||
        !add_folder(model, "--controlnets-dir", flags->controlnets_dir, ltd_model_add_control_nets))
        return false;
    for (size_t i = 0; i < ltd_model_embedding_count(model); i++)
        warn_refused("--embeddings-dir", ltd_model_embedding(model, i).name,
                     ltd_model_embedding(model, i).refused);
    for (size_t i = 0; i < ltd_model_lora_count(model); i++)
        warn_refused("--loras-dir", ltd_model_lora(model, i).name, ltd_model_lora(model, i).refused);
    for (size_t i = 0; i < ltd_model_control_net_count(model); i++)
        warn_refused("--controlnets-dir", ltd_model_control_net(model, i).name,
                     ltd_model_control_net(model, i).refused);
    return true;
}

/* Whether the pictures with their settings can be files of that form, before they are drawn. */
static void check_form(struct option_set *set, const struct generate_flags *flags,
                       const struct ltd_model *model, const struct ltd_gen_params *params)
{
    const struct ltd_picture_form form = generate_form(flags);
    char name[MODEL_NAME_SIZE];
    struct ltd_error err;

    model_path_name(command_model_path(flags->model), name);
    if (picture_texts_check(params, &form, model, name, &err) != LTD_OK)
        option_set_problem(set, "--output: %s", err.message);
}

static int generate(struct option_set *set, const struct generate_flags *flags)
{
    struct ltd_model *model = command_model_open(flags->model, flags->vae);
    struct ltd_image *init_image = NULL, *mask = NULL;
    struct generate_controls controls = {0};
    struct generate_loras loras = {0};
    struct ltd_gen_params params;
    int code = EXIT_CODE_USAGE;

    if (model && !add_folders(model, flags)) {
        ltd_model_close(model);
        return EXIT_CODE_USAGE;
    }
    generate_loras_read(set, flags, &loras);
    generate_controls_read(set, &flags->control, &controls);
    if (model)
        generate_params(set, flags, model, &loras, &controls, &params, &init_image, &mask);
    if (model && set->problem_count == 0)
        check_form(set, flags, model, &params);
    if (set->problem_count > 0)
        fputs("latentd generate --help tells the flags\n", stderr);
    else if (!model)
        code = EXIT_CODE_MODEL;
    else
        code = draw_all(flags, model, &params);
    generate_loras_fini(&loras);
    generate_controls_fini(&controls);
    ltd_image_free(init_image);
    ltd_image_free(mask);
    ltd_model_close(model);
    return code;
}

int cmd_generate(int argc, const char *const *argv)
{
    struct generate_flags flags = {0};
    struct option_set set = generate_option_set(&flags, stderr);
    int code = EXIT_CODE_DONE;

    option_set_defaults(&set);
    option_set_flags(&set, argc, argv);
    if (flags.help) {
        print_help();
    } else {
        generate_check_flags(&set, &flags);
        code = generate(&set, &flags);
    }
    option_set_clear(&set);
    return code;
}
