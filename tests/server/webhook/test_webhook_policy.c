#include "webhook/webhook_policy.h"

#include <netinet/in.h>
#include <sys/un.h>

#include "check.h"

static struct webhook_policy policy;

static enum ltd_status init(const char *allow, const char *port)
{
    static const char *list[1], *ports[1];

    webhook_policy_fini(&policy);
    list[0] = allow;
    ports[0] = port;
    return webhook_policy_init(&policy, list, allow ? 1 : 0, ports, port ? 1 : 0, NULL);
}

TEST(without_ports_there_are_those_of_the_web)
{
    CHECK_INT(init(NULL, NULL), LTD_OK);
    CHECK(webhook_policy_has_port(&policy, 443));
    CHECK(webhook_policy_has_port(&policy, 80));
    CHECK(!webhook_policy_has_port(&policy, 22));
    CHECK_INT(init(NULL, "8443"), LTD_OK);
    CHECK(webhook_policy_has_port(&policy, 8443));
    CHECK(!webhook_policy_has_port(&policy, 443));
    webhook_policy_fini(&policy);
}

TEST(what_is_no_port_or_host_is_refused)
{
    CHECK_INT(init(NULL, "0"), LTD_EINVAL);
    CHECK_INT(init(NULL, "65536"), LTD_EINVAL);
    CHECK_INT(init(NULL, "http"), LTD_EINVAL);
    CHECK_INT(init("", NULL), LTD_EINVAL);
    CHECK_INT(init("http://host", NULL), LTD_EINVAL);
    CHECK_INT(init("10.0.0.0/99", NULL), LTD_EINVAL);
    CHECK_INT(init("*", NULL), LTD_EINVAL);
    webhook_policy_fini(&policy);
}

TEST(an_address_is_reached_if_it_is_public_or_allowed_by_name_or_range)
{
    const struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                             public = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};
    const struct sockaddr_un file = {.sun_family = AF_UNIX};

    CHECK_INT(init("hooks.internal", NULL), LTD_OK);
    CHECK(webhook_policy_names(&policy, "Hooks.Internal"));
    CHECK(!webhook_policy_names(&policy, "hooks.internal.evil.example"));
    CHECK(webhook_policy_reaches(&policy, false, (const struct sockaddr *)&public));
    CHECK(!webhook_policy_reaches(&policy, false, (const struct sockaddr *)&local));
    CHECK(webhook_policy_reaches(&policy, true, (const struct sockaddr *)&local));
    CHECK(!webhook_policy_reaches(&policy, true, (const struct sockaddr *)&file));
    CHECK_INT(init("127.0.0.0/8", NULL), LTD_OK);
    CHECK(webhook_policy_reaches(&policy, false, (const struct sockaddr *)&local));
    webhook_policy_fini(&policy);
}
