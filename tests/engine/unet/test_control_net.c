/* test_control_net.c - files of control networks: what is wrong with one is told by its tensor. */
#include "unet/control_net.h"

#include <stdio.h>

#include "changed_model.h"
#include "check.h"
#include "model_copy.h"

#define FIXTURES "tests/parity/fixtures/"
#define XL       FIXTURES "controls-xl/controlnets"
#define SD1      FIXTURES "controls/controlnets"
#define SD2      FIXTURES "controls-sd21/controlnets"

static char dir[1024];

static const char *path_of(const char *name)
{
    static char path[2048];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct unet_config base_of(const char *fixture)
{
    struct unet_config base = {0};
    char path[256];

    snprintf(path, sizeof path, FIXTURES "%s/model/unet/config.json", fixture);
    CHECK_INT(unet_config_read(path, &base, NULL), LTD_OK);
    return base;
}

static void expect_refused(int line, const char *path, const char *fixture, enum ltd_status want,
                           const char *words)
{
    static const enum bind_use uses[] = {BIND_SHAPES, BIND_RUN};
    const struct unet_config base = base_of(fixture);

    for (size_t i = 0; i < COUNT(uses); i++) {
        struct control_net *net = NULL;
        struct ltd_error err = {.message = ""};
        const enum ltd_status got = control_net_open(path, &base, uses[i], &net, &err);

        if (got != want || net || !strstr(err.message, words) || strstr(err.message, "/"))
            check_failed(__FILE__, line, "%d \"%s\", not %d \"%s\"", (int)got, err.message, (int)want, words);
        control_net_close(net);
    }
}

TEST(missing_tensors_are_named)
{
    static const char *const rows[][2] = {
        {"input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight"},
        {"input_hint_block.4.bias", "controlnet_cond_embedding.blocks.1.bias"},
        {"input_hint_block.8.weight", "controlnet_cond_embedding."},
        {"zero_convs.3.0.weight", "controlnet_down_blocks.3.weight"},
        {"middle_block_out.0.bias", "controlnet_mid_block.bias"},
        {"label_emb.0.2.weight", "add_embedding.linear_2.weight"},
        {"input_blocks.0.0.weight", "conv_in.weight"},
        {"input_blocks.3.0.op.weight", "make no levels of equal depth"},
        {"input_blocks.7.1.transformer_blocks.1.attn2.to_k.weight",
         "down_blocks.2.attentions.0.transformer_blocks.1.attn2.to_k.weight"},
        {"middle_block.1.proj_in.weight", "mid_block.attentions.0.proj_in.weight"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        REQUIRE(model_copy_make(XL, dir, sizeof dir));
        CHECK(drop_tensor(path_of("original.safetensors"), rows[i][0]));
        expect_refused(__LINE__, path_of("original.safetensors"), "sdxl",
                       i == 0 ? LTD_EUNSUPPORTED : LTD_EFORMAT, rows[i][1]);
        model_copy_remove(dir);
    }
}

static void rename_to_stray(struct weight *w)
{
    w->name = "input_blocks.1.0.in_layers.7.bias";
}

static void rename_to_twin(struct weight *w)
{
    w->name = "input_blocks.01.0.in_layers.0.bias";
}

static void widen(struct weight *w)
{
    w->dim[0] /= 2;
    w->dim[1] *= 2;
}

TEST(misshapen_and_stray_tensors_are_named)
{
    static const struct {
        change_tensor_fn *change;
        const char *tensor, *words;
    } rows[] = {
        {rename_to_stray, "input_blocks.1.0.in_layers.2.bias", "down_blocks.0.resnets.0.conv1.bias"},
        {rename_to_twin, "input_blocks.1.0.in_layers.2.bias",
         "two tensors stand for \"down_blocks.0.resnets.0.norm1.bias\""},
        {widen, "time_embed.0.weight", "time_embedding.linear_1.weight has shape"},
        {widen, "input_hint_block.2.weight", "controlnet_cond_embedding.blocks.0.weight has shape"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        REQUIRE(model_copy_make(XL, dir, sizeof dir));
        CHECK(change_tensor(path_of("original.safetensors"), rows[i].tensor, rows[i].change));
        expect_refused(__LINE__, path_of("original.safetensors"), "sdxl", LTD_EFORMAT, rows[i].words);
        model_copy_remove(dir);
    }
}

TEST(a_network_for_another_base_is_refused_by_what_differs)
{
    static const char *const rows[][3] = {
        {SD1 "/file.safetensors", "sd21", "it has 16 channels of text, and this model's U-Net 24"},
        {SD1 "/file.safetensors", "sdxl", "it has 16 channels of text, and this model's U-Net 36"},
        {SD2 "/file.safetensors", "sd15", "it has 24 channels of text, and this model's U-Net 16"},
        {XL "/original.safetensors", "sd15", "it has 36 channels of text, and this model's U-Net 16"},
        {XL "/mid", "sd15", "it has 36 channels of text, and this model's U-Net 16"},
        {XL "/small.safetensors", "sd15", "it has 3 levels, and this model's U-Net 4"},
        {XL "/small.safetensors", "odd", "it has 4 channels of latents, and this model's U-Net 16"},
        {XL "/small.safetensors", "nested",
         "it has 60 channels beside the timestep, and this model's U-Net 0"},
        {SD1 "/plain", "sd21", "is made for another model"},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        expect_refused(__LINE__, rows[i][0], rows[i][1], LTD_EUNSUPPORTED, rows[i][2]);
}

TEST(a_network_that_averages_is_refused)
{
    char shuffle[1200];

    REQUIRE(model_copy_make(XL, dir, sizeof dir));
    snprintf(shuffle, sizeof shuffle, "%s/control_v11e_Shuffle_fp16.safetensors", dir);
    CHECK(rename(path_of("original.safetensors"), shuffle) == 0);
    expect_refused(__LINE__, shuffle, "sdxl", LTD_EUNSUPPORTED, "is made to shuffle, by its name");
    CHECK(change_text(path_of("mid/config.json"), "\"global_pool_conditions\": false",
                      "\"global_pool_conditions\": true"));
    expect_refused(__LINE__, path_of("mid"), "sdxl", LTD_EUNSUPPORTED, "global_pool_conditions");
    model_copy_remove(dir);
}
