#include "definitions.h"

#include <math.h>
#include <stdlib.h>

#include "random_values.h"

static double half_by_definition(uint16_t code, int significand_bits, int bias)
{
    const int largest = (1 << (15 - significand_bits)) - 1;
    const int exponent = (code & 0x7fff) >> significand_bits;
    const int significand = code & ((1 << significand_bits) - 1);
    const double sign = code & 0x8000 ? -1 : 1;

    if (exponent == largest)
        return significand ? (double)NAN : sign * (double)INFINITY;
    if (exponent == 0)
        return sign * ldexp(significand, 1 - bias - significand_bits);
    return sign * ldexp(significand + (1 << significand_bits), exponent - bias - significand_bits);
}

double f16_by_definition(uint16_t code)
{
    return half_by_definition(code, 10, 15);
}

double bf16_by_definition(uint16_t code)
{
    return half_by_definition(code, 7, 127);
}

double nearest_bf16(double x)
{
    int exponent;
    const double fraction = frexp(x, &exponent);

    return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

double silu_by_definition(double x)
{
    return x / (1 + exp(-x));
}

double quick_gelu_by_definition(double x)
{
    return x / (1 + exp(-1.702 * x));
}

double gelu_by_definition(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2.0));
}

void softmax_by_definition(double *out, const double *x, double scale, size_t n)
{
    double max = -(double)INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        max = fmax(max, x[i] * scale);
    for (size_t i = 0; i < n; i++)
        sum += out[i] = exp(x[i] * scale - max);
    for (size_t i = 0; i < n; i++)
        out[i] /= sum;
}

void linear_by_definition(float *y, const float *x, const float *w, const float *bias, const float *addend,
                          size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = bias ? (double)bias[j] : 0;

            for (size_t l = 0; l < k; l++)
                sum += (double)x[i * k + l] * (double)w[j * k + l];
            y[i * n + j] = (float)(sum + (addend ? (double)addend[i * n + j] : 0));
        }
}

/* The image that a convolution slides over, at (row, column) from its first pixel; 0 outside. */
static double pixel_by_definition(struct tensor x, struct tensor y, bool upsample, bool wraps, size_t item,
                                  long row, long column, size_t channel)
{
    const long scale = upsample ? 2 : 1;
    const long height = upsample ? (long)y.h : (long)x.h, width = upsample ? (long)y.w : (long)x.w;

    while (wraps && row < 0)
        row += height;
    while (wraps && column < 0)
        column += width;
    if (wraps) {
        row %= height;
        column %= width;
    }
    if (row < 0 || column < 0 || row >= height || column >= width)
        return 0;
    return (double)
        x.data[((item * x.h + (size_t)(row / scale)) * x.w + (size_t)(column / scale)) * x.c + channel];
}

void conv2d_by_definition(struct tensor y, struct tensor x, const struct conv2d *conv, const float *weight,
                          const float *addend)
{
    const size_t k = conv->kernel, s = conv->stride;

    for (size_t at = 0; at < tensor_count(y); at++) {
        const size_t o = at % y.c, column = at / y.c % y.w, row = at / y.c / y.w % y.h;
        const size_t item = at / y.c / y.w / y.h;
        double sum = (conv->bias ? (double)conv->bias[o] : 0) + (addend ? (double)addend[at] : 0);

        for (size_t ky = 0; ky < k; ky++)
            for (size_t kx = 0; kx < k; kx++)
                for (size_t c = 0; c < x.c; c++)
                    sum += (double)weight[((o * x.c + c) * k + ky) * k + kx] *
                           pixel_by_definition(x, y, conv->upsample, conv->wraps, item,
                                               (long)(row * s + ky) - (long)conv->pad_before,
                                               (long)(column * s + kx) - (long)conv->pad_before, c);
        y.data[at] = (float)sum;
    }
}

/* out [count] = (x - mean) / sqrt(variance + eps) over the values x[i / run * stride + i % run]. */
static void normalise(double *out, const float *x, size_t count, size_t run, size_t stride, double eps)
{
    double mean = 0, variance = 0;

    for (size_t i = 0; i < count; i++)
        mean += (double)x[i / run * stride + i % run];
    mean /= (double)count;
    for (size_t i = 0; i < count; i++)
        variance += pow((double)x[i / run * stride + i % run] - mean, 2);
    variance /= (double)count;
    for (size_t i = 0; i < count; i++)
        out[i] = ((double)x[i / run * stride + i % run] - mean) / sqrt(variance + eps);
}

void group_norm_by_definition(struct tensor y, struct tensor x, const struct group_norm *norm, bool silu)
{
    const size_t run = x.c / norm->groups, pixels = x.h * x.w, count = run * pixels;
    double *normal = allocate(count, sizeof *normal);

    for (size_t item = 0; item < x.n; item++)
        for (size_t g = 0; g < norm->groups; g++) {
            const size_t first = item * pixels * x.c + g * run;

            normalise(normal, x.data + first, count, run, x.c, norm->eps);
            for (size_t i = 0; i < count; i++) {
                const size_t c = g * run + i % run;
                const double v = normal[i] * (double)norm->gamma[c] + (double)norm->beta[c];

                y.data[first + i / run * x.c + i % run] = (float)(silu ? silu_by_definition(v) : v);
            }
        }
    free(normal);
}

void layer_norm_by_definition(struct tensor y, struct tensor x, const struct layer_norm *norm)
{
    double *normal = allocate(x.c, sizeof *normal);

    for (size_t row = 0; row < tensor_rows(x); row++) {
        normalise(normal, x.data + row * x.c, x.c, x.c, x.c, norm->eps);
        for (size_t c = 0; c < x.c; c++)
            y.data[row * x.c + c] = (float)(normal[c] * (double)norm->gamma[c] + (double)norm->beta[c]);
    }
    free(normal);
}

void attention_by_definition(struct tensor out, struct tensor q, struct tensor k, struct tensor v,
                             size_t heads, double scale, bool causal)
{
    const size_t tokens = q.h * q.w, keys = k.h * k.w, c = q.c, d = c / heads;
    double *weight = allocate(keys, sizeof *weight);

    for (size_t at = 0; at < q.n * tokens * heads; at++) {
        const size_t head = at % heads, token = at / heads % tokens, item = at / heads / tokens;
        const size_t seen = causal && token + 1 < keys ? token + 1 : keys;
        const size_t query = (item * tokens + token) * c + head * d, key = item * keys * c + head * d;

        for (size_t j = 0; j < seen; j++) {
            weight[j] = 0;
            for (size_t i = 0; i < d; i++)
                weight[j] += (double)q.data[query + i] * (double)k.data[key + j * c + i];
        }
        softmax_by_definition(weight, weight, scale, seen);
        for (size_t i = 0; i < d; i++) {
            double sum = 0;

            for (size_t j = 0; j < seen; j++)
                sum += weight[j] * (double)v.data[key + j * c + i];
            out.data[query + i] = (float)sum;
        }
    }
    free(weight);
}
