#include "handlers/app.h"
#include "http/httpd.h"

/* Reads files of the system, and prints a lot. */
enum http_next handle_metrics(void *self, struct http_request *request, struct http_reply *reply)
{
    const struct app *app = self;
    struct metrics_now now = {.ready = !atomic_load(&app->draining), .models = app->models};

    if (!request->at_desk)
        return HTTP_DESK;
    jobs_queue(app->jobs, &now.queue);
    httpd_look(request->httpd, &now.load);
    now.webhooks = webhooks_count(app->webhooks);
    now.has_process = process_stats_read(&now.process);
    http_reply_header(reply, "Cache-Control", "no-store");
    http_reply_body(reply, 200, METRICS_TYPE, metrics_print(app->metrics, &now));
    return HTTP_REPLY;
}
