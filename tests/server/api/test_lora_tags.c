/* test_lora_tags.c - adapters named in a prompt. */
#include "api/lora_tags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static char text[256], wrong[LORA_TAG_WRONG_SIZE];

/* "rest | loras as JSON", or "wrong: tag". */
static const char *take(const char *prompt, size_t last)
{
    static char told[512];
    struct ltd_json *loras = ltd_json_new_array();
    char *printed;

    snprintf(text, sizeof text, "%s", prompt);
    if (lora_tags_take(text, last, loras, wrong)) {
        printed = ltd_json_print(loras, false);
        snprintf(told, sizeof told, "%s | %s", text, printed);
        free(printed);
    } else {
        snprintf(told, sizeof told, "wrong: %s", wrong);
    }
    ltd_json_free(loras);
    return told;
}

TEST(weights_are_by_place_or_by_name)
{
    CHECK_STR(take("a<lora:x:0.5>b", LORA_TAGS_ALL),
              "ab | [{\"name\":\"x\",\"weight\":0.5,\"text_weight\":0.5}]");
    CHECK_STR(take("<lora:x>", LORA_TAGS_ALL), " | [{\"name\":\"x\",\"weight\":1,\"text_weight\":1}]");
    CHECK_STR(take("<lora:x:0.25:-2>", LORA_TAGS_ALL),
              " | [{\"name\":\"x\",\"weight\":-2,\"text_weight\":0.25}]");
    CHECK_STR(take("<lora:x:unet=0.5>", LORA_TAGS_ALL),
              " | [{\"name\":\"x\",\"weight\":0.5,\"text_weight\":1}]");
    CHECK_STR(take("<lora:x:te=0.5>", LORA_TAGS_ALL),
              " | [{\"name\":\"x\",\"weight\":0.5,\"text_weight\":0.5}]");
}

TEST(the_last_so_many_are_taken)
{
    CHECK_STR(take("<lora:x:1><lora:y:2>", 1),
              "<lora:x:1> | [{\"name\":\"y\",\"weight\":2,\"text_weight\":2}]");
    CHECK_STR(take("<lora:x:1>", 0), "<lora:x:1> | []");
    CHECK_STR(take("<lora:x:1", LORA_TAGS_ALL), "<lora:x:1 | []");
    CHECK_STR(take("a < b > c", LORA_TAGS_ALL), "a < b > c | []");
}

TEST(what_is_no_weight_is_told)
{
    CHECK_STR(take("a <lora:x:much>", LORA_TAGS_ALL), "wrong: <lora:x:much>");
    CHECK_STR(take("<lora::1>", LORA_TAGS_ALL), "wrong: <lora::1>");
    CHECK_STR(take("<lora:x:1:1:1>", LORA_TAGS_ALL), "wrong: <lora:x:1:1:1>");
    CHECK_STR(take("<lora:x:dyn=4>", LORA_TAGS_ALL), "wrong: <lora:x:dyn=4>");
    CHECK_STR(take("<lora:x:>", LORA_TAGS_ALL), "wrong: <lora:x:>");
}
