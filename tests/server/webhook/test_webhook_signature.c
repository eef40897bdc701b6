#include "webhook/webhook_signature.h"

#include "check.h"

/* The example of the Standard Webhooks libraries. */
static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char body[] = "{\"test\": 2432232314}";
static const char signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

TEST(messages_are_signed_as_the_standard_has_it)
{
    struct webhook_secrets secrets = {0};
    char got[WEBHOOK_SIGNATURE_SIZE];

    CHECK(!webhook_secrets_add(&secrets, secret));
    CHECK(webhook_sign(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, sizeof body - 1, got));
    CHECK_STR(got, signature);
}

TEST(every_secret_signs)
{
    struct webhook_secrets secrets = {0};
    char got[WEBHOOK_SIGNATURE_SIZE];

    for (int i = 0; i < WEBHOOK_MAX_SECRETS; i++)
        CHECK(!webhook_secrets_add(&secrets, secret));
    CHECK(webhook_secrets_add(&secrets, secret) != NULL);
    CHECK(webhook_sign(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, sizeof body - 1, got));
    CHECK_INT(strlen(got), WEBHOOK_MAX_SECRETS * sizeof signature - 1);
    for (size_t i = 0; i < WEBHOOK_MAX_SECRETS; i++)
        CHECK(memcmp(got + i * sizeof signature, signature, sizeof signature - 1) == 0);
}

TEST(what_is_no_secret_is_refused)
{
    static const char too_long[] = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const char *const rows[] = {"",
                                       "whsec_",
                                       "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                       "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                                       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==",
                                       "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*",
                                       too_long};
    struct webhook_secrets secrets = {0};

    for (size_t i = 0; i < COUNT(rows); i++)
        if (!webhook_secrets_add(&secrets, rows[i]))
            check_failed(__FILE__, __LINE__, "\"%s\" is taken", rows[i]);
    CHECK_INT(secrets.count, 0);
}
