#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "webhook/webhooks_private.h"

static const long connect_ms = 5000, all_ms = 10000;
/* Of an answer, only the status counts. */
static const size_t most_received = (size_t)64 << 10;

static size_t receive(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;

    (void)data;
    transfer->received += size * count;
    return transfer->received > most_received ? 0 : size * count;
}

/* The look at the address that is about to be connected: what a name has led to is decided here and nowhere
 * before. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = arg;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        !webhook_policy_reaches(&transfer->webhooks->policy, transfer->message->named, &address->addr)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* False without memory. */
static bool add_header(struct transfer *transfer, const char *name, const char *value)
{
    char line[WEBHOOK_SIGNATURE_SIZE + 64];
    struct curl_slist *list;

    snprintf(line, sizeof line, "%s:%s%s", name, *value ? " " : "", value);
    list = curl_slist_append(transfer->headers, line);
    if (list)
        transfer->headers = list;
    return list != NULL;
}

static bool add_headers(struct transfer *transfer)
{
    const struct message *message = transfer->message;
    const int64_t now = clock_unix_ms() / 1000;
    char id[RANDOM_ID_SIZE + 8], time[24], signature[WEBHOOK_SIGNATURE_SIZE];

    snprintf(id, sizeof id, "msg_%s", message->told.id);
    snprintf(time, sizeof time, "%" PRId64, now);
    return webhook_sign(&transfer->webhooks->secrets, id, now, blob_data(message->body),
                        blob_size(message->body), signature) &&
           add_header(transfer, "Content-Type", "application/json") && add_header(transfer, "Expect", "") &&
           add_header(transfer, "webhook-id", id) && add_header(transfer, "webhook-timestamp", time) &&
           add_header(transfer, "webhook-signature", signature);
}

/* False: one of the options was not taken, without which the request may not go out. */
static bool set_options(struct transfer *transfer)
{
    const struct message *message = transfer->message;
    CURL *easy = transfer->easy;
    int wrong = 0;

    wrong |= (int)curl_easy_setopt(easy, CURLOPT_URL, message->url);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    /* A proxy from the environment would be connected in place of the address that is looked at. */
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, all_ms);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, "latentd/" LATENTD_VERSION);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)blob_size(message->body));
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, blob_data(message->body));
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    wrong |= (int)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return wrong == 0;
}

struct transfer *transfer_new(struct webhooks *webhooks, struct message *message)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);

    if (!transfer)
        return NULL;
    *transfer = (struct transfer){.webhooks = webhooks, .message = message, .started = clock_monotonic()};
    transfer->easy = curl_easy_init();
    if (transfer->easy && add_headers(transfer) && set_options(transfer))
        return transfer;
    transfer_free(transfer);
    return NULL;
}

void transfer_free(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

struct outcome transfer_outcome(const struct transfer *transfer, int code)
{
    struct outcome outcome = {.seconds = clock_monotonic() - transfer->started};
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    outcome.status = (int)status;
    outcome.final = status == 410 || (status == 0 && transfer->refused);
    if (status == 0)
        outcome.error = transfer->refused ? "its address is none that this server may reach"
                                          : curl_easy_strerror((CURLcode)code);
    else if (status == 410)
        outcome.error = "the receiver wants no more of it";
    else if (status >= 300 && status < 400)
        outcome.error = "redirects are not followed";
    else if (status < 200 || status >= 300)
        outcome.error = "the answer is no success";
    return outcome;
}
