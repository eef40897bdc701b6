#include <sys/epoll.h>

#include "http/httpd_private.h"

enum { CLIENT_GONE = 499 /* in the log only */ };

static enum http_next call(struct exchange *x)
{
    x->reply.wait_until = 0;
    return x->route->handle(x->httpd->app->self, &x->request, &x->reply);
}

static void run_at_desk(struct desk_item *item)
{
    struct exchange *x = (struct exchange *)((char *)item - offsetof(struct exchange, desk));

    x->next = call(x);
    MHD_resume_connection(x->connection); /* from here on x is the HTTP thread's again */
}

static void go_to_desk(struct exchange *x)
{
    x->state = EXCHANGE_AT_DESK;
    x->request.at_desk = true;
    x->desk.run = run_at_desk;
    MHD_suspend_connection(x->connection);
    desk_bring(&x->httpd->desk, &x->desk);
}

/* Again for each time it waits: an event that came in between was nobody's. */
static void watch(struct exchange *x)
{
    const int operation = x->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event hangup = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = x->request.ticket};

    if (epoll_ctl(x->httpd->hangup_epoll, operation, conn_fd(x->conn), &hangup) == 0)
        x->watched = true;
    else
        log_note(x->httpd->log, LOG_WARN, "a waiting client cannot be watched");
}

bool exchange_park(struct exchange *x, double until)
{
    struct httpd *httpd = x->httpd;

    if (atomic_load(&httpd->closing) || !conn_table_suspend(&httpd->conns, x->conn))
        return false;
    MHD_suspend_connection(x->connection);
    if (wait_list_park(&httpd->waits, &x->wait, until, x->request.on_hangup == HTTP_HANGUP_TELL))
        MHD_resume_connection(x->connection);
    else
        watch(x); /* whoever wakes it, the exchange stays until this thread is back in its loop */
    return true;
}

void exchange_stop_waiting(struct exchange *x)
{
    if (x->waits)
        wait_list_remove(&x->httpd->waits, &x->wait);
    if (x->watched)
        epoll_ctl(x->httpd->hangup_epoll, EPOLL_CTL_DEL, conn_fd(x->conn), NULL);
    x->waits = x->watched = false;
}

static enum MHD_Result answer(struct exchange *x, enum http_next next)
{
    if (next == HTTP_REPLY)
        exchange_stop_waiting(x);
    exchange_free_body(x);
    x->request.body = NULL;
    return exchange_send(x);
}

/* Does what the handler said until there is a reply or the connection is suspended.  Where it may not be
 * suspended any more, because the server ends, the handler is called again here and now. */
static enum MHD_Result follow(struct exchange *x, enum http_next next)
{
    while (next == HTTP_WAIT || next == HTTP_DESK) {
        conn_table_enter(&x->httpd->conns, x->conn, CONN_WAIT);
        if (next == HTTP_DESK) {
            if (conn_table_suspend(&x->httpd->conns, x->conn)) {
                go_to_desk(x);
                return MHD_YES;
            }
            x->request.at_desk = true;
        } else {
            x->state = EXCHANGE_WAITING;
            exchange_free_body(x);
            x->request.body = NULL;
            x->request.body_size = 0;
            if (exchange_park(x, x->reply.wait_until))
                return MHD_YES;
            x->request.resumed = x->request.closing = true;
        }
        next = call(x);
    }
    return answer(x, next);
}

enum MHD_Result exchange_run(struct exchange *x)
{
    struct httpd *httpd = x->httpd;

    conn_table_resume(&httpd->conns, x->conn);
    if (x->state == EXCHANGE_AT_DESK) {
        x->request.at_desk = false;
        return follow(x, x->next);
    }
    if (x->state == EXCHANGE_WAITING) {
        x->request.resumed = true;
        if (wait_list_is_gone(&httpd->waits, &x->wait)) {
            x->logged_status = CLIENT_GONE;
            return MHD_NO;
        }
        wait_list_listen(&httpd->waits, &x->wait);
    } else {
        x->request.body = x->body;
        x->request.body_size = x->body ? x->body_seen : 0;
        x->wait.note = x->request.note;
        x->request.ticket = wait_list_add(&httpd->waits, &x->wait, x->connection);
        x->waits = true;
    }
    return follow(x, call(x));
}
