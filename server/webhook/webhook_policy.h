/*
 * webhook_policy.h - which URLs a webhook may have, and which addresses it may be connected to.
 *
 * Two looks, for a name says nothing of where it leads: at the URL when it is asked for, and at the address
 * when a socket is about to be connected.
 */
#ifndef WEBHOOK_POLICY_H
#define WEBHOOK_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "webhook/webhook_address.h"

enum { WEBHOOK_MAX_PORTS = 64, WEBHOOK_WHY_SIZE = 192 };

struct webhook_policy {
    const char *const *names; /* [name_count] hosts that may be plain http and have private addresses, among
                                 texts of the ranges; borrowed */
    size_t name_count;
    struct address_range *ranges; /* [range_count] addresses with the same freedom; owned */
    size_t range_count;
    long ports[WEBHOOK_MAX_PORTS];
    size_t port_count;
};

/* allow[allow_count], borrowed until the end of the policy, are host names, addresses and ranges of these;
 * ports[port_count] numbers, without any 443 and 80.  Errors: LTD_EINVAL, LTD_ENOMEM; the caller ends *policy
 * in any case. */
LTD_MUST_USE enum ltd_status webhook_policy_init(struct webhook_policy *policy, const char *const *allow,
                                                 size_t allow_count, const char *const *ports,
                                                 size_t port_count, struct ltd_error *err);
void webhook_policy_fini(struct webhook_policy *policy); /* also of a zeroed struct */

/* Whether a host is allowed by its name, in any case of its letters. */
bool webhook_policy_names(const struct webhook_policy *policy, const char *host);
/* Whether an address is in one of the allowed ranges. */
bool webhook_policy_ranges(const struct webhook_policy *policy, const struct sockaddr *address);
bool webhook_policy_has_port(const struct webhook_policy *policy, long port);
/* Whether a socket may be connected to the address; named: the URL's host is allowed by its name. */
bool webhook_policy_reaches(const struct webhook_policy *policy, bool named, const struct sockaddr *address);

/* Looks a URL over, without asking anybody what its name means.  False: why says what is wrong.  *named: its
 * host is allowed by its name. */
bool webhook_policy_takes(const struct webhook_policy *policy, const char *url, bool *named,
                          char why[WEBHOOK_WHY_SIZE]);

#endif
