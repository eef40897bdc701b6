/* test_lora_alphas.c - what the metadata of an adapter file say of its strength. */
#include "weights/lora_alphas.h"

#include <string.h>

#include "check.h"

static const struct weight weight = {.name = "alpha"};

enum { WHOLE, OWN, OTHER, TEXT, KRONECKER, MODULES };

static void fill(struct lora_module modules[MODULES])
{
    const struct lora_module made[MODULES] = {
        [WHOLE] = {.name = "unet.down_blocks.0.attn1.to_q"},
        [OWN] = {.name = "unet.mid_block.conv1", .part[LORA_ALPHA] = &weight},
        [OTHER] = {.name = "unet.mid_block.attn1.to_q"},
        [TEXT] = {.name = "text_encoder.layers.0.q_proj"},
        [KRONECKER] = {.name = "unet.up_blocks.0.conv1", .form = LORA_KRONECKER},
    };

    memcpy(modules, made, sizeof made);
}

TEST(layers_have_the_alpha_of_their_network_or_their_own)
{
    struct lora_module modules[MODULES];

    fill(modules);
    CHECK_INT(
        lora_alphas_read("{\"unet.lora_alpha\": 8, \"unet.alpha_pattern\": {\"mid_block.attn1.to_q\": 2.5, "
                         "\"ttn1.to_q\": 9}, \"unet.use_rslora\": true}",
                         modules, MODULES, NULL),
        LTD_OK);
    CHECK(modules[WHOLE].has_alpha && modules[WHOLE].by_root);
    CHECK_NEAR(modules[WHOLE].alpha, 8, 0);
    CHECK_NEAR(modules[OTHER].alpha, 2.5, 0);
    CHECK(!modules[OWN].has_alpha && !modules[KRONECKER].has_alpha && !modules[TEXT].has_alpha);
}

TEST(a_configuration_without_prefix_is_the_unets)
{
    struct lora_module modules[MODULES];

    fill(modules);
    CHECK_INT(lora_alphas_read("{\"lora_alpha\": 3, \"text_encoder.lora_alpha\": 4}", modules, MODULES, NULL),
              LTD_OK);
    CHECK_NEAR(modules[WHOLE].alpha, 3, 0);
    CHECK(!modules[WHOLE].by_root);
    CHECK_NEAR(modules[TEXT].alpha, 4, 0);
}

TEST(metadata_that_are_no_use_are_refused_by_name)
{
    static const char *const rows[][2] = {
        {"[", "lora_adapter_metadata: "},
        {"[]", "lora_adapter_metadata must be an object"},
        {"{\"unet.lora_alpha\": \"8\"}", "lora_alpha must be a number"},
        {"{\"text_encoder_2.alpha_pattern\": []}", "alpha_pattern must be an object"},
        {"{\"unet.alpha_pattern\": {\"a\": true}}", "alpha_pattern must hold numbers"},
        {"{\"unet.alpha_pattern\": {\".*to_q\": 1}}", "\".*to_q\" of alpha_pattern is no name"},
        {"{\"unet.use_rslora\": 1}", "use_rslora must be true or false"},
    };
    struct lora_module modules[MODULES];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ltd_error err = {.message = ""};

        fill(modules);
        CHECK(lora_alphas_read(rows[i][0], modules, MODULES, &err) != LTD_OK);
        if (!strstr(err.message, rows[i][1]))
            check_failed(__FILE__, __LINE__, "'%s' has no '%s'", err.message, rows[i][1]);
    }
}
