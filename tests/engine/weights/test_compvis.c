/* test_compvis.c - what the first publication's names of a control network stand for. */
#include "weights/compvis.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "write_safetensors.h"

static void expect_name(int line, const struct compvis_control *control, const char *name, const char *want)
{
    struct weight_alias alias = {.pieces = 1};

    if (!compvis_control_name(control, name, 0, &alias) || strcmp(alias.name, want) != 0)
        check_failed(__FILE__, line, "%s is \"%s\", not \"%s\"", name, alias.name, want);
    CHECK(!compvis_control_name(control, name, 1, &alias));
}

TEST(names_of_a_control_network_become_those_of_diffusers)
{
    static const struct compvis_control control = {.prefix = "control_model.", .layers = 2, .hint_last = 14};
    static const char *const rows[][2] = {
        {"control_model.input_hint_block.0.weight", "controlnet_cond_embedding.conv_in.weight"},
        {"control_model.input_hint_block.2.bias", "controlnet_cond_embedding.blocks.0.bias"},
        {"control_model.input_hint_block.12.weight", "controlnet_cond_embedding.blocks.5.weight"},
        {"control_model.input_hint_block.14.weight", "controlnet_cond_embedding.conv_out.weight"},
        {"control_model.zero_convs.11.0.bias", "controlnet_down_blocks.11.bias"},
        {"control_model.middle_block_out.0.weight", "controlnet_mid_block.weight"},
        {"control_model.time_embed.2.weight", "time_embedding.linear_2.weight"},
        {"control_model.label_emb.0.0.weight", "add_embedding.linear_1.weight"},
        {"control_model.input_blocks.0.0.weight", "conv_in.weight"},
        {"control_model.input_blocks.3.0.op.bias", "down_blocks.0.downsamplers.0.conv.bias"},
        {"control_model.input_blocks.5.0.skip_connection.weight",
         "down_blocks.1.resnets.1.conv_shortcut.weight"},
        {"control_model.input_blocks.5.1.proj_in.weight", "down_blocks.1.attentions.1.proj_in.weight"},
        {"control_model.middle_block.2.out_layers.3.weight", "mid_block.resnets.1.conv2.weight"},
        /* What has no place keeps its name, so that it is told of. */
        {"control_model.input_hint_block.1.weight", "control_model.input_hint_block.1.weight"},
        {"control_model.zero_convs.0.1.weight", "control_model.zero_convs.0.1.weight"},
        {"control_model.zero_convs.x.weight", "control_model.zero_convs.x.weight"},
        {"control_model.input_hint_block.99999.weight", "control_model.input_hint_block.99999.weight"},
        {"control_model.task_embedding", "control_model.task_embedding"},
    };
    struct compvis_control bare = control;
    struct weight_alias alias;

    bare.prefix = "";
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *own = rows[i][0] + strlen(control.prefix);
        const bool placed = strcmp(rows[i][0], rows[i][1]) != 0;

        expect_name(__LINE__, &control, rows[i][0], rows[i][1]);
        expect_name(__LINE__, &bare, own, placed ? rows[i][1] : own);
    }
    CHECK(!compvis_control_name(&control, "model.diffusion_model.out.2.weight", 0, &alias));
}

/* A file of tensors of one value. */
static struct weight_set *open_names(const char *const *names, size_t count)
{
    static const float zero;
    char path[] = "/tmp/test_compvis_XXXXXX";
    const int file = mkstemp(path);
    struct weight weights[16];
    struct weight_set *set = NULL;

    for (size_t i = 0; i < count; i++)
        weights[i] = (struct weight){
            .name = names[i], .data = &zero, .dtype = DTYPE_F32, .rank = 1, .dim = {1}, .count = 1};
    if (file < 0 || !write_safetensors(path, weights, count) ||
        weight_set_open_file(path, &set, NULL) != LTD_OK)
        abort();
    close(file);
    unlink(path);
    return set;
}

#define OPEN(...) \
    open_names((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

TEST(a_control_network_tells_its_layout)
{
    struct weight_set *set =
        OPEN("control_model.input_blocks.0.0.weight", "control_model.input_blocks.1.0.in_layers.0.weight",
             "control_model.input_blocks.2.0.op.weight", "control_model.input_blocks.3.0.in_layers.0.weight",
             "control_model.input_hint_block.0.weight", "control_model.input_hint_block.2.weight",
             "control_model.input_hint_block.4.weight", "control_model.input_hint_block.6.weight");
    struct compvis_control control;

    REQUIRE(compvis_has_control(set));
    REQUIRE(compvis_control_read(set, "x", &control, NULL) == LTD_OK);
    CHECK_STR(control.prefix, "control_model.");
    CHECK_INT(control.layers, 1);
    CHECK_INT(control.hint_last, 6);
    weight_set_close(set);

    set = OPEN("down_blocks.0.resnets.0.conv1.weight", "conv_in.weight", "inputs");
    CHECK(!compvis_has_control(set));
    weight_set_close(set);
}

TEST(parts_of_a_control_network_are_refused_by_the_tensor_that_tells_of_them)
{
    static const char *const rows[][2] = {
        {"lora_controlnet", "tensor \"lora_controlnet\" tells of a Control-LoRA, which is not read"},
        {"difference", "tensor \"difference\" tells of what a ControlNet differs by"},
        {"control_model.difference", "differs by"},
        {"other", "x: input_blocks: 1 blocks, of which 0 resample, make no levels of equal depth"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct weight_set *set = OPEN("input_blocks.0.0.weight", rows[i][0]);
        struct compvis_control control;
        struct ltd_error err = {.message = ""};
        const enum ltd_status st = compvis_control_read(set, "x", &control, &err);

        if (st == LTD_OK || !strstr(err.message, rows[i][1]))
            check_failed(__FILE__, __LINE__, "%s: %s", rows[i][0], err.message);
        weight_set_close(set);
    }
}
