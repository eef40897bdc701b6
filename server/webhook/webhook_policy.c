#include "webhook/webhook_policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/parse_number.h"

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

/* Names are looked for in the list itself. */
static enum ltd_status add_allowed(struct webhook_policy *policy, const char *text, struct ltd_error *err)
{
    if (address_range_parse(text, &policy->ranges[policy->range_count]))
        policy->range_count++;
    else if (!*text || text[strspn(text, name_letters)])
        return ltd_fail(err, LTD_EINVAL,
                        "webhook_allow: \"%.80s\" is no host name, address, or range like 10.0.0.0/8", text);
    return LTD_OK;
}

static enum ltd_status add_port(struct webhook_policy *policy, const char *text, struct ltd_error *err)
{
    int64_t port;

    if (!parse_int64(text, &port) || port < 1 || port > 65535)
        return ltd_fail(err, LTD_EINVAL, "webhook_ports: \"%.80s\" is no port; they are 1 to 65535", text);
    if (policy->port_count == WEBHOOK_MAX_PORTS)
        return ltd_fail(err, LTD_EINVAL, "webhook_ports: there are more than %d", WEBHOOK_MAX_PORTS);
    policy->ports[policy->port_count++] = (long)port;
    return LTD_OK;
}

enum ltd_status webhook_policy_init(struct webhook_policy *policy, const char *const *allow,
                                    size_t allow_count, const char *const *ports, size_t port_count,
                                    struct ltd_error *err)
{
    static const char *const standard_ports[] = {"443", "80"};
    enum ltd_status st = LTD_OK;

    *policy = (struct webhook_policy){.names = allow, .name_count = allow_count};
    policy->ranges = calloc(allow_count + 1, sizeof *policy->ranges);
    if (!policy->ranges)
        return ltd_fail(err, LTD_ENOMEM, "no memory for webhook_allow");
    for (size_t i = 0; st == LTD_OK && i < allow_count; i++)
        st = add_allowed(policy, allow[i], err);
    if (port_count == 0) {
        ports = standard_ports;
        port_count = sizeof standard_ports / sizeof standard_ports[0];
    }
    for (size_t i = 0; st == LTD_OK && i < port_count; i++)
        st = add_port(policy, ports[i], err);
    return st;
}

void webhook_policy_fini(struct webhook_policy *policy)
{
    free(policy->ranges);
    *policy = (struct webhook_policy){0};
}

bool webhook_policy_names(const struct webhook_policy *policy, const char *host)
{
    struct address_range unused;

    for (size_t i = 0; i < policy->name_count; i++)
        if (strcasecmp(policy->names[i], host) == 0 && !address_range_parse(policy->names[i], &unused))
            return true;
    return false;
}

bool webhook_policy_ranges(const struct webhook_policy *policy, const struct sockaddr *address)
{
    for (size_t i = 0; i < policy->range_count; i++)
        if (address_range_has(&policy->ranges[i], address))
            return true;
    return false;
}

bool webhook_policy_has_port(const struct webhook_policy *policy, long port)
{
    for (size_t i = 0; i < policy->port_count; i++)
        if (policy->ports[i] == port)
            return true;
    return false;
}

bool webhook_policy_reaches(const struct webhook_policy *policy, bool named, const struct sockaddr *address)
{
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return false;
    return named || address_is_public(address) || webhook_policy_ranges(policy, address);
}
