#include "tensor_noise.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/torch_rng.h"
#include "fixture.h"
#include "model_copy.h"

#define NOISE 0.05

static float bits_to_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t float_to_bits(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The values of weight files are normal numbers or zero, far from the ends of f16's range. */
static float get_value(const unsigned char *p, const char *dtype)
{
    uint32_t bits = 0;

    memcpy(&bits, p, strcmp(dtype, "F32") == 0 ? 4 : 2);
    if (strcmp(dtype, "F32") == 0)
        return bits_to_float(bits);
    if (strcmp(dtype, "BF16") == 0)
        return bits_to_float(bits << 16);
    return bits_to_float((bits & 0x7fff) << 13) * 0x1p112f * (bits & 0x8000 ? -1.0f : 1.0f);
}

static void put_value(unsigned char *p, const char *dtype, float value)
{
    uint32_t bits = float_to_bits(value);

    if (strcmp(dtype, "BF16") == 0)
        bits = (bits + 0x8000) >> 16;
    else if (strcmp(dtype, "F16") == 0)
        bits = ((float_to_bits(fabsf(value) * 0x1p-112f) + 0x1000) >> 13) | (value < 0 ? 0x8000u : 0);
    memcpy(p, &bits, strcmp(dtype, "F32") == 0 ? 4 : 2);
}

/* Adds NOISE times the root mean square of the tensor, normally distributed. */
static void add_noise(unsigned char *data, size_t count, const char *dtype)
{
    const size_t size = strcmp(dtype, "F32") == 0 ? 4 : 2;
    float *noise = malloc(count * sizeof *noise);
    struct torch_rng rng;
    double square = 0;

    torch_rng_init(&rng, 1);
    torch_rng_normal(&rng, noise, count);
    for (size_t i = 0; i < count; i++)
        square += pow((double)get_value(data + i * size, dtype), 2);
    square = sqrt(square / (double)count);
    for (size_t i = 0; i < count; i++)
        put_value(data + i * size, dtype,
                  get_value(data + i * size, dtype) + (float)(NOISE * square) * noise[i]);
    free(noise);
}

struct tensor_place {
    const char *name, *dtype;
    uint64_t begin, end;
};

static bool find_place(const struct ltd_json *entry, struct tensor_place *out)
{
    const struct ltd_json *span = ltd_json_get(entry, "data_offsets");

    out->name = ltd_json_key(entry);
    out->dtype = case_text(entry, "dtype");
    return strcmp(out->name, "__metadata__") != 0 && (out->dtype[0] == 'F' || out->dtype[0] == 'B') &&
           ltd_json_uint64(ltd_json_first(span), &out->begin) &&
           ltd_json_uint64(ltd_json_next(ltd_json_first(span)), &out->end);
}

int tensor_noise_try(const char *path, const char *label, tensor_noise_fn *noticed, void *arg)
{
    struct file_bytes bytes = {NULL, 0};
    struct ltd_json *header = NULL;
    uint64_t length = 0;
    int failures = 0;

    if (file_read(path, &bytes) && bytes.size > 8)
        memcpy(&length, bytes.data, 8);
    if (length == 0 || ltd_json_parse((const char *)bytes.data + 8, length, &ltd_json_file_limits, &header,
                                      NULL) != LTD_OK) {
        printf("not ok %s: %s is readable\n", label, path);
        failures++;
    }
    for (const struct ltd_json *e = ltd_json_first(header); e; e = ltd_json_next(e)) {
        struct tensor_place t;
        unsigned char *data, *good;
        bool caught;

        if (!find_place(e, &t))
            continue;
        data = bytes.data + 8 + length + t.begin;
        good = malloc(t.end - t.begin);
        memcpy(good, data, t.end - t.begin);
        add_noise(data, (t.end - t.begin) / (strcmp(t.dtype, "F32") == 0 ? 4 : 2), t.dtype);
        caught = file_write(path, bytes.data, bytes.size) && noticed(arg);
        memcpy(data, good, t.end - t.begin);
        free(good);
        printf("%s %s/%s\n", caught ? "ok" : "not ok", label, t.name);
        failures += !caught;
    }
    file_write(path, bytes.data, bytes.size);
    ltd_json_free(header);
    free(bytes.data);
    return failures;
}
