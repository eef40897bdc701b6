#include "commands/commands.h"

#include "commands/command_model.h"
#include "commands/generate_request.h"
#include "util/clock.h"
#include "util/exit_code.h"

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

static int write_bytes(const char *name, const struct ltd_bytes *bytes)
{
    FILE *file = strcmp(name, "-") == 0 ? stdout : fopen(name, "wbe");
    bool written = file && fwrite(bytes->data, 1, bytes->size, file) == bytes->size && fflush(file) == 0;

    if (file && file != stdout)
        written = fclose(file) == 0 && written;
    if (!written) {
        fprintf(stderr, "latentd: %s: ", name);
        perror("cannot be written");
    }
    return written ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int write_image(const char *name, const struct ltd_model *model, const struct ltd_gen_params *params,
                       int index, const struct ltd_image *image)
{
    char *text = ltd_params_text(model, params, index);
    const struct ltd_png_text parameters = {"parameters", text};
    struct ltd_bytes bytes = {0};
    struct ltd_error err;
    enum ltd_status status;
    int code;

    if (text)
        status = ltd_png_encode(image, &parameters, 1, &bytes, &err);
    else
        status = ltd_fail(&err, LTD_ENOMEM, "no memory for the picture's text");
    free(text);
    if (status != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    code = write_bytes(name, &bytes);
    free(bytes.data);
    return code;
}

static int draw_one(struct ltd_session *session, const struct ltd_model *model, const char *output,
                    const struct ltd_gen_params *params, int index)
{
    struct progress progress = {index, params->count, isatty(STDERR_FILENO)};
    const struct ltd_watch watch = {.progress = show_progress, .arg = &progress};
    const double begin = clock_monotonic();
    struct ltd_gen_report report;
    struct ltd_image *image = NULL;
    struct ltd_error err;
    char name[PATH_MAX];
    enum ltd_status status;
    int code;

    if (!generate_output_name(output, index, name, sizeof name)) {
        fprintf(stderr, "latentd: %s: the name is too long\n", output);
        return EXIT_CODE_FAILED;
    }
    status = ltd_session_generate(session, params, index, &watch, &image, &report, &err);
    if (progress.shown)
        fputs("\r\033[K", stderr);
    if (status != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    code = write_image(name, model, params, index, image);
    if (code == EXIT_CODE_DONE)
        fprintf(stderr, "%s: %dx%d, seed %" PRIu64 ", %.2f s\n", name, image->width, image->height,
                params->seed + (uint64_t)index, clock_monotonic() - begin);
    ltd_image_free(image);
    return code;
}

static int draw_all(const struct generate_flags *flags, const struct ltd_model *model,
                    const struct ltd_gen_params *params)
{
    struct ltd_session *session = NULL;
    struct ltd_error err;
    int code = EXIT_CODE_DONE;

    if (ltd_session_new(model, flags->threads, &session, &err) != LTD_OK) {
        fprintf(stderr, "latentd: %s\n", err.message);
        return EXIT_CODE_FAILED;
    }
    for (int i = 0; i < params->count && code == EXIT_CODE_DONE; i++)
        code = draw_one(session, model, flags->output, params, i);
    ltd_session_free(session);
    return code;
}

/* False, and it is told: the folder cannot be read.  A file that cannot be used is a warning. */
static bool add_embeddings(struct ltd_model *model, const char *dir)
{
    struct ltd_error err;

    if (!*dir)
        return true;
    if (ltd_model_add_embeddings(model, dir, &err) != LTD_OK) {
        fprintf(stderr, "latentd: --embeddings-dir: %s\n", err.message);
        return false;
    }
    for (size_t i = 0; i < ltd_model_embedding_count(model); i++) {
        const struct ltd_embedding embedding = ltd_model_embedding(model, i);

        if (embedding.refused)
            fprintf(stderr, "warning: --embeddings-dir: \"%s\" %s\n", embedding.name, embedding.refused);
    }
    return true;
}

/* The same of LoRAs. */
static bool add_loras(struct ltd_model *model, const char *dir)
{
    struct ltd_error err;

    if (!*dir)
        return true;
    if (ltd_model_add_loras(model, dir, &err) != LTD_OK) {
        fprintf(stderr, "latentd: --loras-dir: %s\n", err.message);
        return false;
    }
    for (size_t i = 0; i < ltd_model_lora_count(model); i++) {
        const struct ltd_lora_info lora = ltd_model_lora(model, i);

        if (lora.refused)
            fprintf(stderr, "warning: --loras-dir: \"%s\": %s\n", lora.name, lora.refused);
    }
    return true;
}

static int generate(struct option_set *set, const struct generate_flags *flags)
{
    struct ltd_model *model = command_model_open(flags->model);
    struct ltd_image *init_image = NULL;
    struct generate_loras loras = {0};
    struct ltd_gen_params params;
    int code = EXIT_CODE_USAGE;

    if (model && !(add_embeddings(model, flags->embeddings_dir) && add_loras(model, flags->loras_dir))) {
        ltd_model_close(model);
        return EXIT_CODE_USAGE;
    }
    generate_loras_read(set, flags, &loras);
    if (model)
        generate_params(set, flags, model, &loras, &params, &init_image);
    if (set->problem_count > 0)
        fputs("latentd generate --help tells the flags\n", stderr);
    else if (!model)
        code = EXIT_CODE_MODEL;
    else
        code = draw_all(flags, model, &params);
    generate_loras_fini(&loras);
    ltd_image_free(init_image);
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
