/*
 * lora_file.h - an adapter file, untrusted, as a checked list of the layers that it changes.
 *
 * Read are .safetensors files as kohya's trainer, LyCORIS, diffusers and PEFT write them: low-rank (Hu et al.
 * 2021, "LoRA"), with a core for convolutions (Tucker form), Hadamard and Kronecker products (Yeh et al.
 * 2023, "LoHa", "LoKr"), whole differences, each with a magnitude (Liu et al. 2024, "DoRA") or without.
 */
#ifndef LORA_FILE_H
#define LORA_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <latentd/error.h>

#include "weights/weight_set.h"

enum lora_part {
    LORA_DOWN, /* [rank, in, k, k], or [rank, in] with a core */
    LORA_UP,   /* [out, rank] */
    LORA_CORE, /* [rank, rank, k, k] */
    /* The factors of a Kronecker product, whole; */
    LORA_W1,
    LORA_W2,
    /* and those of a Hadamard or Kronecker product, each as a product of two, maybe with a core. */
    LORA_W1_UP,
    LORA_W1_DOWN,
    LORA_W1_CORE,
    LORA_W2_UP,
    LORA_W2_DOWN,
    LORA_W2_CORE,
    /* What is added to the weight, and to the bias. */
    LORA_DIFF,
    LORA_DIFF_BIAS,
    LORA_MAGNITUDE,  /* of the sum's rows, [out], as PEFT writes it */
    LORA_DORA_SCALE, /* the same as kohya's trainer and LyCORIS write it; or of its columns, [1, in, ..] */
    LORA_ALPHA,      /* one value: the change is divided by the rank and multiplied by it */
    LORA_PARTS
};

enum lora_form { LORA_LOW_RANK, LORA_HADAMARD, LORA_KRONECKER, LORA_DIFFERENCE };

/* What a file says of one layer. */
struct lora_module {
    const char
        *name; /* as the file calls the layer: "lora_unet_down_blocks_0_..."; lives as long as the file */
    enum lora_form form;
    const struct weight *part[LORA_PARTS]; /* NULL: there is none */
    /* Where there is no LORA_ALPHA, the file's metadata may say it: of a low-rank module alone. */
    bool has_alpha;
    bool by_root; /* the change is divided by the root of the rank (Kalajdzievski 2023, "rsLoRA") */
    double alpha;
};

struct lora_file;

/* Errors: those of weight_set_open_file; LTD_EFORMAT a module that lacks a part (names the tensor),
 * LTD_EUNSUPPORTED a tensor of no known kind; those of lora_alphas_read. */
LTD_MUST_USE enum ltd_status lora_file_open(const char *path, struct lora_file **out, struct ltd_error *err);
void lora_file_close(struct lora_file *file); /* NULL is fine */

size_t lora_file_count(const struct lora_file *file);
const struct lora_module *lora_file_at(const struct lora_file *file, size_t i);

#endif
