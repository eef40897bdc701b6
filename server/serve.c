#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/picture_texts.h"
#include "handlers/app.h"
#include "handlers/route_table.h"
#include "http/http_cors.h"
#include "http/http_listen.h"
#include "http/httpd.h"
#include "serve_models.h"
#include "serve_webhooks.h"
#include "store/memory_store.h"
#include "util/clock.h"
#include "util/exit_code.h"
#include "util/listen_address.h"
#include "util/log.h"

enum {
    SPARE_FDS = 256, /* for what is not a connection */
    MAX_CONNECTIONS = 16384,
    FLUSH_MS = 10000, /* for the last replies to leave */
    FRESH_S = 5,      /* for a client to fetch what has just ended */
    REMEMBERED_JOBS = 65536,
    REMEMBERED_S = 24 * 3600,
    MAX_PUBLIC_URL = 200,
    WEBHOOK_FLUSH_S = 5, /* for the last webhooks to be tried once */
    FETCH_MS = 1000,     /* for who has just been told of a job's end to ask for its picture */
    SHUTDOWN_POLL_MS = 20,
    TICK_MS = 100
};

/* Everything that serving takes, in the order in which it is made. */
struct server {
    const struct options *options;
    struct log log;
    struct model_set models;
    struct listen_address address;
    int listen_fd, port;
    struct job_store *store;
    struct jobs *jobs;
    struct metrics *metrics;
    struct model_digests *digests;
    struct webhooks *webhooks; /* NULL: off */
    struct app app;
    struct http_app http_app;
    struct httpd *httpd;
    sigset_t signals;
};

static int complain(struct server *server, int code, const char *message)
{
    log_note(&server->log, LOG_ERROR, "%s", message);
    return code;
}

/* It stands before paths, and within JSON and headers. */
static int check_public_url(struct server *server)
{
    const char *url = server->options->public_url;
    const size_t length = strlen(url);
    const bool has_scheme = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;

    if (!*url ||
        (has_scheme && length > 8 && length <= MAX_PUBLIC_URL && url[length - 1] != '/' &&
         strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_~[]%-") == length))
        return EXIT_CODE_DONE;
    return complain(
        server, EXIT_CODE_USAGE,
        "public_url: write http:// or https://, a host and perhaps a path, without a / at the end");
}

/* Those of the folder, and what is built in. */
static int open_upscalers(struct server *server)
{
    const char *dir = server->options->upscalers_dir;
    struct ltd_error error;

    if (ltd_upscalers_open(*dir ? dir : NULL, &server->models.upscalers, &error) != LTD_OK)
        return complain(server, EXIT_CODE_MODEL, error.message);
    for (size_t i = 0; i < ltd_upscalers_count(server->models.upscalers); i++) {
        const struct ltd_upscaler_info info = ltd_upscalers_at(server->models.upscalers, i);
        const struct log_field fields[] = {{"name", info.name, true}, {"why", info.refused, true}};

        if (info.refused)
            log_event(&server->log, LOG_WARN, "upscaler_refused", fields, sizeof fields / sizeof fields[0]);
    }
    return EXIT_CODE_DONE;
}

static int open_models(struct server *server)
{
    return serve_models(server->options, &server->log, &server->models);
}

static int open_listener(struct server *server)
{
    const char *wrong = listen_address_parse(server->options->listen, &server->address);
    struct ltd_error error;

    if (wrong)
        return complain(server, EXIT_CODE_USAGE, wrong);
    for (size_t i = 0; i < server->options->cors_origin.count; i++)
        if (!http_cors_is_origin(server->options->cors_origin.items[i]))
            return complain(
                server, EXIT_CODE_USAGE,
                "cors_origin: an origin is a scheme, a host and maybe a port, in lower case, without a "
                "path, as in https://ui.example:8443; or *");
    if (!listen_address_is_loopback(&server->address) && !server->options->insecure_public)
        return complain(
            server, EXIT_CODE_USAGE,
            "listen: others than this machine could reach the server, and nothing asks who they are; "
            "say --insecure-public if that is meant");
    if (http_listen(&server->address, &server->listen_fd, &server->port, &error) != LTD_OK)
        return complain(server, EXIT_CODE_FAILED, error.message);
    return EXIT_CODE_DONE;
}

static int open_jobs(struct server *server)
{
    const struct options *options = server->options;
    const struct memory_store_limits limits = {
        .waiting = options->queue_limit,
        .keep_s = options->job_ttl,
        .keep_bytes = options->job_keep_bytes,
        .fresh_s = FRESH_S,
        .remembered = REMEMBERED_JOBS,
        .remember_s = REMEMBERED_S,
    };
    const struct jobs_config config = {options->workers, options_worker_threads(options),
                                       options->detach_seconds, picture_texts_make, server->digests};
    struct ltd_error error;

    server->store = memory_store_open(&limits);
    if (!server->store)
        return complain(server, EXIT_CODE_FAILED, "no memory for the job store");
    if (jobs_open(&config, server->store, &server->models, &server->log, &server->jobs, &error) != LTD_OK)
        return complain(server, EXIT_CODE_FAILED, error.message);
    server->metrics = metrics_open(app_routes, app_route_count);
    if (!server->metrics)
        return complain(server, EXIT_CODE_FAILED, "no memory for the metrics");
    metrics_observe(server->metrics, server->jobs);
    return EXIT_CODE_DONE;
}

static void on_model_read(void *arg, size_t model)
{
    model_digests_want(arg, model);
}

static int open_digests(struct server *server)
{
    struct ltd_error error;

    if (model_digests_start(&server->models, &server->digests, &error) != LTD_OK)
        return complain(server, EXIT_CODE_FAILED, error.message);
    server->models.on_read = on_model_read;
    server->models.on_read_arg = server->digests;
    return EXIT_CODE_DONE;
}

static int start_webhooks(struct server *server)
{
    return serve_webhooks(server->options, &server->models, server->jobs, &server->log, &server->webhooks);
}

/* As many connections as there are descriptors for; more would make accept(2) fail over and over. */
static unsigned connection_limit(void)
{
    struct rlimit limit = {SPARE_FDS * 2, SPARE_FDS * 2};

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= MAX_CONNECTIONS + SPARE_FDS)
        return MAX_CONNECTIONS;
    return limit.rlim_cur > 2 * SPARE_FDS ? (unsigned)limit.rlim_cur - SPARE_FDS
                                          : (unsigned)limit.rlim_cur / 2;
}

static int open_http(struct server *server)
{
    const struct options *options = server->options;
    struct app *app = &server->app;
    const struct httpd_config config = {
        .listen_fd = server->listen_fd,
        .guard = {!server->address.is_unix && listen_address_is_loopback(&server->address),
                  (const char *const *)options->allowed_host.items, options->allowed_host.count,
                  server->address.host},
        .max_body = options->max_body,
        .connection_limit = connection_limit(),
        .cors_origins = (const char *const *)options->cors_origin.items,
        .cors_origin_count = options->cors_origin.count,
    };
    struct ltd_error error;

    app->jobs = server->jobs;
    app->models = &server->models;
    app->metrics = server->metrics;
    app->digests = server->digests;
    app->webhooks = server->webhooks;
    app->decode =
        (struct request_context){.models = &server->models,
                                 .limits = {options->max_pixels, options->max_steps, options->max_count,
                                            options->max_prompt_bytes, options->max_upscaled_pixels},
                                 .take_webhook = serve_take_webhook,
                                 .webhooks = server->webhooks};
    app->limits =
        (struct api_limits){options->max_body, options->queue_limit, API_MAX_REQUESTS, API_MAX_WAIT_S};
    atomic_init(&app->a1111_settings, 0);
    atomic_init(&app->draining, false);
    app->public_url = options->public_url;
    app->strict_model = options->strict_model;
    app->started_s = clock_unix_ms() / 1000;
    server->http_app = (struct http_app){
        .self = app,
        .routes = app_routes,
        .route_count = app_route_count,
        .prefixes = app_prefixes,
        .prefix_count = app_prefix_count,
        .refuse = app_refuse,
        .abandon = app_abandon,
        .done = app_done,
    };
    if (httpd_open(&config, &server->http_app, &server->log, &server->httpd, &error) != LTD_OK)
        return complain(server, EXIT_CODE_FAILED, error.message);
    return EXIT_CODE_DONE;
}

static void say_ready(struct server *server)
{
    char where[320];

    if (server->address.is_unix)
        snprintf(where, sizeof where, "unix:%s", server->address.path);
    else
        snprintf(where, sizeof where, strchr(server->address.host, ':') ? "http://[%s]:%d" : "http://%s:%d",
                 server->address.host, server->port);
    log_event(&server->log, LOG_INFO, "ready", &(struct log_field){"address", where, true}, 1);
}

/* The thread that signals are for. */
static pid_t signal_home;

/* OpenBLAS starts a thread when it is loaded, before anything could be blocked: a signal that comes while
 * this thread does not wait for one is given to that one, and would end the process without draining. */
static void send_home(int number)
{
    tgkill(getpid(), signal_home, number);
}

/* Waits up to ms for a signal; 0 when none came. */
static int wait_signal(const struct server *server, int ms)
{
    const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    const int got = sigtimedwait(&server->signals, NULL, &time);

    return got > 0 ? got : 0;
}

/* The second signal: whatever is still going on ends here. */
static void end_at_once(int number)
{
    static const char text[] = "latentd: a second signal: ending at once\n";
    const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);

    (void)number, (void)written;
    _exit(EXIT_CODE_FAILED);
}

/* Serves on until `end`, or, where `idle_too` is not set, until there are no jobs. */
static void serve_until(struct server *server, double end, bool idle_too)
{
    const struct timespec pause = {.tv_nsec = SHUTDOWN_POLL_MS * 1000000L};

    while ((idle_too || !jobs_are_idle(server->jobs)) && clock_monotonic() < end) {
        nanosleep(&pause, NULL);
        jobs_tick(server->jobs);
    }
}

static void drain(struct server *server)
{
    const bool had_jobs = !jobs_are_idle(server->jobs);
    const double end = clock_monotonic() + server->options->drain_seconds;
    double fetched;

    signal(SIGTERM, end_at_once);
    signal(SIGINT, end_at_once);
    pthread_sigmask(SIG_UNBLOCK, &server->signals, NULL);
    log_note(&server->log, LOG_INFO, "draining: jobs have %d s to finish", server->options->drain_seconds);
    atomic_store(&server->app.draining, true);
    jobs_refuse(server->jobs);
    serve_until(server, end, false);
    fetched = clock_monotonic() + FETCH_MS / 1000.0;
    if (had_jobs)
        serve_until(server, fetched < end ? fetched : end, true);
    if (!jobs_are_idle(server->jobs))
        log_note(&server->log, LOG_WARN, "canceling the jobs that are left");
}

static void serve(struct server *server)
{
    say_ready(server);
    while (wait_signal(server, TICK_MS) == 0)
        jobs_tick(server->jobs);
    drain(server);
}

/* In reverse: workers end and notify the last requests, the replies leave, then the rest goes. */
static void close_all(struct server *server)
{
    if (server->jobs)
        jobs_stop(server->jobs);
    webhooks_stop(server->webhooks, WEBHOOK_FLUSH_S);
    httpd_close(server->httpd, FLUSH_MS);
    webhooks_close(server->webhooks);
    jobs_close(server->jobs);
    metrics_close(server->metrics);
    if (server->store)
        server->store->ops->close(server->store);
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
        if (server->address.is_unix)
            unlink(server->address.path);
    }
    model_digests_stop(server->digests);
    model_set_fini(&server->models);
}

static int start(struct server *server)
{
    int (*const steps[])(struct server *) = {check_public_url, open_upscalers, open_models,    open_listener,
                                             open_digests,     open_jobs,      start_webhooks, open_http};
    int code = EXIT_CODE_DONE;

    for (size_t i = 0; code == EXIT_CODE_DONE && i < sizeof steps / sizeof steps[0]; i++)
        code = steps[i](server);
    return code;
}

int serve_run(const struct options *options)
{
    struct server server = {.options = options, .listen_fd = -1};
    int code;

    log_init(&server.log, STDERR_FILENO, options->log_format == OPTIONS_LOG_JSON);
    server.log.prompts = options->log_prompts;
    sigemptyset(&server.signals);
    sigaddset(&server.signals, SIGTERM);
    sigaddset(&server.signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &server.signals, NULL); /* before any thread of ours: all inherit it */
    signal_home = gettid();
    signal(SIGTERM, send_home);
    signal(SIGINT, send_home);
    signal(SIGPIPE, SIG_IGN);
    code = start(&server);
    if (code == EXIT_CODE_DONE)
        serve(&server);
    close_all(&server);
    return code;
}
