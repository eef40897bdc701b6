#include <sys/epoll.h>

#include "http/httpd_private.h"

enum { CLIENT_GONE = 499 /* in the log only */ };

static enum http_next call(struct exchange *x)
{
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

static void park(struct exchange *x)
{
    struct httpd *httpd = x->httpd;
    struct epoll_event hangup = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = x->request.ticket};

    x->state = EXCHANGE_WAITING;
    exchange_free_body(x);
    MHD_suspend_connection(x->connection);
    if (epoll_ctl(httpd->hangup_epoll, EPOLL_CTL_ADD, conn_fd(x->conn), &hangup) != 0)
        log_note(httpd->log, LOG_WARN, "a waiting client cannot be watched");
    if (wait_list_park(&httpd->waits, &x->wait))
        MHD_resume_connection(x->connection);
}

void exchange_stop_waiting(struct exchange *x)
{
    if (x->waits)
        wait_list_remove(&x->httpd->waits, &x->wait);
    x->waits = false;
}

/* Does what the handler said until there is a reply or the connection is suspended.  Where it may not be
 * suspended any more, because the server ends, the handler is called again here and now. */
static enum MHD_Result follow(struct exchange *x, enum http_next next)
{
    while (next != HTTP_REPLY) {
        const bool may_wait = conn_table_wait(&x->httpd->conns, x->conn);

        if (next == HTTP_DESK) {
            if (may_wait) {
                go_to_desk(x);
                return MHD_YES;
            }
            x->request.at_desk = true;
        } else {
            if (may_wait) {
                park(x);
                return MHD_YES;
            }
            x->request.resumed = true;
        }
        next = call(x);
    }
    exchange_stop_waiting(x);
    exchange_free_body(x);
    return exchange_send(x);
}

enum MHD_Result exchange_run(struct exchange *x)
{
    if (x->state == EXCHANGE_AT_DESK) {
        x->request.at_desk = false;
        return follow(x, x->next);
    }
    if (x->state == EXCHANGE_WAITING) {
        const bool gone = wait_list_is_gone(&x->httpd->waits, &x->wait);

        epoll_ctl(x->httpd->hangup_epoll, EPOLL_CTL_DEL, conn_fd(x->conn), NULL);
        exchange_stop_waiting(x);
        x->request.resumed = true;
        if (gone) {
            x->logged_status = CLIENT_GONE;
            return MHD_NO;
        }
    } else {
        x->request.body = x->body;
        x->request.body_size = x->body ? x->body_seen : 0;
        x->wait.note = x->request.note;
        x->request.ticket = wait_list_add(&x->httpd->waits, &x->wait, x->connection);
        x->waits = true;
    }
    return follow(x, call(x));
}
