/* test_given_back.c - weights leave the process's memory while a picture is drawn without them. */
#include <latentd/session.h>

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sessions.h"

/* How much of the mapping of a file is in memory, 0 to 1; -1: there is none. */
static double share_in_memory(const char *file)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[1024];
    double size = -1, in_memory = -1;
    bool inside = false;

    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;

        /* The first line of a mapping, of a file's or of another. */
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = strstr(line, file) != NULL;
        if (inside && sscanf(line, "Size: %lf", &size) != 1)
            sscanf(line, "Rss: %lf", &in_memory);
    }
    if (maps)
        fclose(maps);
    return size > 0 ? in_memory / size : -1;
}

/* At the first step. */
struct seen {
    double text, unet;
};

static void on_progress(void *arg, enum ltd_phase phase, int done, int total)
{
    struct seen *s = arg;

    (void)total;
    if (phase == LTD_PHASE_SAMPLE && done == 1) {
        s->text = share_in_memory("/text_encoder/");
        s->unet = share_in_memory("/unet/");
    }
}

/* The pages at both ends of a tensor are shared with its neighbours, and stay. */
TEST(text_encoder_and_unet_are_given_back)
{
    struct ltd_model *model = open_model("models/default");
    struct ltd_session *s = new_session(model, 2);
    struct seen seen = {-1, -1};
    const struct ltd_watch watch = {.progress = on_progress, .arg = &seen};
    struct ltd_gen_params p = ltd_params_default(model);
    struct ltd_image *image = NULL;
    double after;

    p.prompt = "3d tiger";
    p.steps = 2;
    p.width = p.height = 32;
    CHECK_INT(ltd_session_generate(s, &p, 0, &watch, &image, NULL, NULL), LTD_OK);
    CHECK(seen.text >= 0 && seen.text < 0.3);
    CHECK(seen.unet > 0.8);
    after = share_in_memory("/unet/");
    CHECK(after >= 0 && after < 0.3);
    printf("text encoder %.2f, U-Net %.2f, then %.2f\n", seen.text, seen.unet, after);
    ltd_image_free(image);
    ltd_session_free(s);
    ltd_model_close(model);
}
