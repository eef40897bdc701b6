#include "webhook/webhook_policy.h"

#include "check.h"

static bool takes(const char *allow, const char *port, const char *url, bool *named)
{
    struct webhook_policy policy;
    char why[WEBHOOK_WHY_SIZE] = "";
    bool taken;

    CHECK_INT(webhook_policy_init(&policy, &allow, allow ? 1 : 0, &port, port ? 1 : 0, NULL), LTD_OK);
    taken = webhook_policy_takes(&policy, url, named, why);
    CHECK(taken || why[0]);
    webhook_policy_fini(&policy);
    return taken;
}

TEST(hostile_urls_are_refused)
{
    static const char *const rows[] = {"",
                                       "/",
                                       "//example.org/",
                                       "example.org",
                                       "https://",

                                       "http://example.org/",
                                       "file:///etc/passwd",
                                       "gopher://example.org/",
                                       "ftp://example.org/",
                                       "dict://example.org:11211/",
                                       "ldap://example.org/",
                                       "javascript:alert(1)",
                                       "https://127.0.0.1/",
                                       "https://[::1]/",
                                       "https://[::ffff:127.0.0.1]/",
                                       "https://0.0.0.0/",
                                       "https://169.254.169.254/latest/meta-data",
                                       "https://10.1.2.3/",
                                       "https://192.168.1.1/",
                                       "https://2130706433/",
                                       "https://0x7f.1/",
                                       "https://127.1/",
                                       "https://0177.0.0.1/",
                                       "https://localhost/",
                                       "https://LOCALHOST./",
                                       "https://a.localhost/",
                                       "https://[fc00::1]/",
                                       "https://[64:ff9b::7f00:1]/",
                                       "https://[fe80::1%25eth0]/",
                                       "https://user@example.org/",
                                       "https://user:password@example.org/",
                                       "https://example.org:22/",
                                       "https://example.org:6379/",
                                       "https://example.org:8443/",
                                       "https://example.org:0/",
                                       "https://example.org:99999/",
                                       "https://example.org/\r\nX: y",
                                       "https://example.org/ x",
                                       "https://exam\tple.org/",
                                       "https://ex\xc3\xa4mple.org/",
                                       "https://example.org\\@127.0.0.1/"};
    bool named;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (takes(NULL, NULL, rows[i], &named))
            check_failed(__FILE__, __LINE__, "\"%s\" is taken", rows[i]);
}

TEST(public_https_urls_are_taken)
{
    static const char *const rows[] = {"https://example.org",      "https://example.org/hook?x=1&y=%20#z",
                                       "HTTPS://EXAMPLE.ORG:443/", "https://8.8.8.8/",
                                       "https://[2600::1]/",       "https://localhost.example.org/",
                                       "https://mylocalhost/"};
    bool named;

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!takes(NULL, NULL, rows[i], &named))
            check_failed(__FILE__, __LINE__, "\"%s\" is refused", rows[i]);
        CHECK(!named);
    }
}

TEST(allowed_hosts_may_be_private_and_without_tls)
{
    bool named;

    CHECK(takes("127.0.0.1", "8080", "http://127.0.0.1:8080/", &named));
    CHECK(!named); /* the address is looked at all the same */
    CHECK(takes("127.0.0.0/8", NULL, "http://127.1/", &named));
    CHECK(takes("hooks.internal", NULL, "http://Hooks.INTERNAL/x", &named));
    CHECK(named);
    CHECK(takes("localhost", NULL, "http://localhost/", &named));
    CHECK(!takes("127.0.0.1", "8080", "http://127.0.0.1:8081/", &named));
    CHECK(!takes("127.0.0.1", NULL, "http://127.0.0.2/", &named));
    CHECK(!takes("hooks.internal", NULL, "http://evil.hooks.internal/", &named));
    CHECK(!takes("127.0.0.1", NULL, "ftp://127.0.0.1:80/", &named));
    CHECK(!takes("hooks.internal", NULL, "http://user@hooks.internal/", &named));
}
