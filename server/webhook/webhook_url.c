#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "webhook/webhook_policy.h"

/* What the library that will connect makes of a URL, so that nobody understands it differently. */
struct parts {
    char *scheme, *host, *port;
};

static bool refuse(char why[WEBHOOK_WHY_SIZE], const char *text)
{
    snprintf(why, WEBHOOK_WHY_SIZE, "%s", text);
    return false;
}

/* The address that stands in the URL itself; false: the host is a name. */
static bool literal_address(const char *host, struct sockaddr_storage *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char inner[INET6_ADDRSTRLEN];
    const size_t length = strlen(host);

    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        return true;
    }
    if (length < 3 || length - 2 >= sizeof inner || host[0] != '[')
        return false;
    memcpy(inner, host + 1, length - 2);
    inner[length - 2] = '\0';
    if (inet_pton(AF_INET6, inner, &v6.sin6_addr) != 1)
        return false;
    memcpy(out, &v6, sizeof v6);
    return true;
}

/* RFC 6761 6.3: the name, and all names below it. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    const size_t size = sizeof name - 1;
    size_t length = strlen(host);

    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= size && strncasecmp(host + length - size, name, size) == 0 &&
           (length == size || host[length - size - 1] == '.');
}

static bool judge(const struct webhook_policy *policy, const struct parts *parts, bool *named,
                  char why[WEBHOOK_WHY_SIZE])
{
    const bool is_http = strcmp(parts->scheme, "http") == 0;
    struct sockaddr_storage storage = {0};
    const struct sockaddr *address = (const struct sockaddr *)&storage;
    const bool literal = literal_address(parts->host, &storage);
    bool allowed;

    *named = webhook_policy_names(policy, parts->host);
    allowed = *named || (literal && webhook_policy_ranges(policy, address));
    if (!is_http && strcmp(parts->scheme, "https") != 0)
        return refuse(why, "send an https URL");
    if (is_http && !allowed)
        return refuse(why, "send an https URL; http is for hosts that the server's webhook_allow names");
    if (!allowed && (literal ? !address_is_public(address) : is_localhost(parts->host)))
        return refuse(why, "this is no public address, and the server's webhook_allow does not name it");
    if (!webhook_policy_has_port(policy, atol(parts->port)))
        return refuse(why, "the port is none of the server's webhook_ports");
    return true;
}

static bool take_apart(const char *url, struct parts *parts, char why[WEBHOOK_WHY_SIZE])
{
    CURLU *handle = curl_url();
    CURLUcode code =
        handle ? curl_url_set(handle, CURLUPART_URL, url, CURLU_DISALLOW_USER) : CURLUE_OUT_OF_MEMORY;

    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_SCHEME, &parts->scheme, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_HOST, &parts->host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(handle, CURLUPART_PORT, &parts->port, CURLU_DEFAULT_PORT);
    curl_url_cleanup(handle);
    if (code == CURLUE_OK)
        return true;
    return refuse(why, code == CURLUE_USER_NOT_ALLOWED ? "send a URL without a user name"
                                                       : "send an absolute https URL");
}

bool webhook_policy_takes(const struct webhook_policy *policy, const char *url, bool *named,
                          char why[WEBHOOK_WHY_SIZE])
{
    struct parts parts = {0};
    bool taken;

    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return refuse(why, "send a URL of printable ASCII characters, without spaces and line ends");
    taken = take_apart(url, &parts, why) && judge(policy, &parts, named, why);
    curl_free(parts.scheme);
    curl_free(parts.host);
    curl_free(parts.port);
    return taken;
}
