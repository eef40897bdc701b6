#include "api/webhook_encode.h"

#include "api/job_encode.h"
#include "api/problem.h"
#include "util/clock.h"

/* Takes data. */
static struct blob *envelope(const char *type, struct ltd_json *data)
{
    struct ltd_json *json = ltd_json_new_object();
    char time[CLOCK_TEXT_SIZE];

    clock_format(time, clock_unix_ms());
    ltd_json_add(json, "type", ltd_json_new_string(type));
    ltd_json_add(json, "timestamp", ltd_json_new_string(time));
    ltd_json_add(json, "data", data);
    return json_to_blob(json);
}

struct blob *webhook_encode(const struct model_set *models, enum webhook_event event,
                            const struct job_record *job)
{
    const struct job_view view = {.record = *job, .eta_s = -1};

    return envelope(webhook_event_name(event), job_encode(&view, models, false));
}

struct blob *webhook_encode_test(void)
{
    return envelope("webhook.test", ltd_json_new_object());
}
