#include "http/httpd.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http/httpd_private.h"
#include "util/clock.h"

enum {
    CONNECTION_MEMORY = 16 * 1024, /* the head of a request must fit */
    SWEEP_MS = 100,
    NOISE_PER_SECOND = 10,
    HANGUPS_AT_ONCE = 64,
    RESUMED_AT_ONCE = 64
};

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct httpd *httpd = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        *socket_context = conn_table_add(&httpd->conns, info->connect_fd);
    } else {
        conn_table_remove(&httpd->conns, *socket_context);
        *socket_context = NULL;
    }
}

__attribute__((format(printf, 2, 0))) static void on_library_message(void *cls, const char *format,
                                                                     va_list arguments)
{
    struct httpd *httpd = cls;
    const int64_t second = (int64_t)clock_monotonic();
    char message[256];

    if (second != httpd->noise_second)
        httpd->noise_count = 0;
    httpd->noise_second = second;
    if (httpd->noise_count++ >= NOISE_PER_SECOND)
        return;
    vsnprintf(message, sizeof message, format, arguments);
    message[strcspn(message, "\r\n")] = '\0';
    log_note(httpd->log, LOG_INFO, "connection: %s", message);
}

static void hang_up(struct httpd *httpd, uint64_t ticket)
{
    char note[HTTP_NOTE_SIZE];
    bool tell;

    if (!wait_list_mark_gone(&httpd->waits, ticket, note, &tell))
        return;
    if (tell)
        httpd->app->abandon(httpd->app->self, note, ticket);
    httpd_wake(httpd, ticket);
}

/* Resumes everybody whose time has come at `now`; INFINITY: everybody. */
static void resume_due(struct httpd *httpd, double now)
{
    void *connections[RESUMED_AT_ONCE];
    size_t count;

    do {
        count = wait_list_wake_due(&httpd->waits, now, connections, RESUMED_AT_ONCE);
        for (size_t i = 0; i < count; i++)
            MHD_resume_connection(connections[i]);
    } while (count == RESUMED_AT_ONCE);
}

static void *httpd_watch(void *arg)
{
    struct httpd *httpd = arg;

    while (!atomic_load(&httpd->stop)) {
        struct epoll_event events[HANGUPS_AT_ONCE];
        const int count = epoll_wait(httpd->hangup_epoll, events, HANGUPS_AT_ONCE, SWEEP_MS);
        const double now = clock_monotonic();

        for (int i = 0; i < count; i++)
            hang_up(httpd, events[i].data.u64);
        conn_table_sweep(&httpd->conns, now);
        resume_due(httpd, now);
    }
    return NULL;
}

/* 1.x has an option that refuses what head_layout.h tells of; both are 1 for "as the standard says". */
#if MHD_VERSION >= 0x01000000
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT
#endif

static struct MHD_Daemon *start_daemon(struct httpd *httpd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        exchange_handle, httpd, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, httpd,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)httpd->config.listen_fd, STRICTNESS, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
        httpd->config.connection_limit, MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_begin, httpd, MHD_OPTION_NOTIFY_COMPLETED, exchange_end, httpd, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, httpd, MHD_OPTION_END);
}

static void httpd_free(struct httpd *httpd)
{
    if (httpd->hangup_epoll >= 0)
        close(httpd->hangup_epoll);
    conn_table_fini(&httpd->conns);
    wait_list_fini(&httpd->waits);
    free(httpd);
}

enum ltd_status httpd_open(const struct httpd_config *config, const struct http_app *app, struct log *log,
                           struct httpd **out, struct ltd_error *err)
{
    struct httpd *httpd = calloc(1, sizeof *httpd);

    if (!httpd)
        return ltd_fail(err, LTD_ENOMEM, "no memory for the HTTP server");
    httpd->config = *config;
    httpd->cors = (struct http_cors){config->cors_origins, config->cors_origin_count};
    httpd->app = app;
    httpd->log = log;
    httpd->parses_in_place = strncmp(MHD_get_version(), "0.9.", 4) == 0;
    atomic_init(&httpd->closing, false);
    atomic_init(&httpd->stop, false);
    conn_table_init(&httpd->conns);
    wait_list_init(&httpd->waits);
    httpd->hangup_epoll = epoll_create1(EPOLL_CLOEXEC);
    if (httpd->hangup_epoll < 0)
        goto fail;
    if (!desk_open(&httpd->desk))
        goto fail;
    httpd->daemon = start_daemon(httpd);
    if (!httpd->daemon)
        goto fail_desk;
    if (pthread_create(&httpd->watcher, NULL, httpd_watch, httpd) != 0)
        goto fail_daemon;
    *out = httpd;
    return LTD_OK;

fail_daemon:
    MHD_stop_daemon(httpd->daemon);
fail_desk:
    desk_close(&httpd->desk);
fail:
    httpd_free(httpd);
    return ltd_fail(err, LTD_EIO, "the HTTP server does not start: %s", strerror(errno));
}

void httpd_wake(struct httpd *httpd, uint64_t ticket)
{
    void *connection = wait_list_wake(&httpd->waits, ticket);

    if (connection)
        MHD_resume_connection(connection);
}

void httpd_look(struct httpd *httpd, struct httpd_load *out)
{
    out->connections = conn_table_count(&httpd->conns, &out->waiting);
}

static void wait_until_idle(struct httpd *httpd, int flush_ms)
{
    const double end = clock_monotonic() + flush_ms / 1000.0;

    for (;;) {
        resume_due(httpd, INFINITY);
        /* A suspended connection must never reach MHD_stop_daemon, which aborts on one. */
        if (conn_table_seal(&httpd->conns) &&
            (conn_table_busy(&httpd->conns) == 0 || clock_monotonic() >= end))
            return;
        usleep(2000);
    }
}

void httpd_bring(struct httpd *httpd, struct desk_item *item)
{
    desk_bring(&httpd->desk, item);
}

void httpd_close(struct httpd *httpd, int flush_ms)
{
    if (!httpd)
        return;
    MHD_quiesce_daemon(httpd->daemon);
    atomic_store(&httpd->closing, true);
    wait_until_idle(httpd, flush_ms);
    atomic_store(&httpd->stop, true);
    pthread_join(httpd->watcher, NULL);
    MHD_stop_daemon(httpd->daemon);
    desk_close(&httpd->desk);
    httpd_free(httpd);
}
