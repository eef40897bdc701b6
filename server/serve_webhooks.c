#include "serve_webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "api/webhook_encode.h"
#include "util/exit_code.h"
#include "util/read_file.h"

enum { MAX_SECRET_FILE = 16384 };

/* The secrets of the options and of the file that they name.  NULL, or what is wrong. */
static const char *read_secrets(const struct options *options, struct webhook_secrets *out)
{
    const char *wrong = NULL;
    void *data = NULL;
    size_t size = 0;
    char *text, *rest = NULL;

    for (size_t i = 0; !wrong && i < options->webhook_secret.count; i++)
        wrong = webhook_secrets_add(out, options->webhook_secret.items[i]);
    if (wrong || !options->webhook_secret_file[0])
        return wrong;
    wrong = read_file(options->webhook_secret_file, MAX_SECRET_FILE, &data, &size);
    text = wrong ? NULL : strndup(data ? data : "", size);
    if (!wrong && !text)
        wrong = "no memory for the file";
    for (char *line = text ? strtok_r(text, " \t\r\n", &rest) : NULL; !wrong && line;
         line = strtok_r(NULL, " \t\r\n", &rest))
        wrong = webhook_secrets_add(out, line);
    free(text);
    free(data);
    return wrong;
}

static struct blob *encode_webhook(const void *arg, enum webhook_event event, const struct job_record *job)
{
    return webhook_encode(arg, event, job);
}

bool serve_take_webhook(const void *arg, const char *url, char *why, size_t size)
{
    return webhooks_take(arg, url, why, size);
}

int serve_webhooks(const struct options *options, const struct model_set *models, struct jobs *jobs,
                   struct log *log, struct webhooks **out)
{
    struct webhooks_config config = {
        .allow = (const char *const *)options->webhook_allow.items,
        .allow_count = options->webhook_allow.count,
        .ports = (const char *const *)options->webhook_ports.items,
        .port_count = options->webhook_ports.count,
        .retry_s = options->webhook_retry_seconds,
        .encode = encode_webhook,
        .arg = models,
    };
    const char *wrong = read_secrets(options, &config.secrets);
    struct ltd_error error;
    enum ltd_status st;

    if (wrong) {
        log_note(log, LOG_ERROR, "webhook_secret: %s", wrong);
        return EXIT_CODE_USAGE;
    }
    if (config.secrets.count == 0)
        return EXIT_CODE_DONE;
    st = webhooks_open(&config, log, out, &error);
    if (st == LTD_OK) {
        webhooks_observe(*out, jobs);
        return EXIT_CODE_DONE;
    }
    log_note(log, LOG_ERROR, "%s", error.message);
    return st == LTD_EINVAL || st == LTD_EUNSUPPORTED ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
}
