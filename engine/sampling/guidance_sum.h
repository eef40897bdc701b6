/*
 * guidance_sum.h - what the rows of one evaluation come to: classifier-free guidance (Ho and Salimans 2022),
 * with several prompts composed (Liu et al. 2022), or with its spread taken back (Lin et al. 2023).
 */
#ifndef GUIDANCE_SUM_H
#define GUIDANCE_SUM_H

#include <stdbool.h>
#include <stddef.h>

struct guidance_sum {
    bool guided;           /* the first row is what the network says to the negative prompt */
    double scale;          /* where it is */
    size_t parts;          /* rows after it, at least 1 */
    const double *weights; /* [parts] */
    double rescale;        /* 0..1; above 0 only with one part */
};

/* out [n] of rows [guided + parts, n]: e_u + sum over the parts of scale * weight * (e_i - e_u).  Without
 * guidance the first part stands for e_u, and 1 for the scale; so a part alone is e_1.  With rescale r, out
 * is then multiplied by 1 - r + r std(e_1) / std(out).  out may be the first row. */
void guidance_sum(const struct guidance_sum *sum, float *out, const float *rows, size_t n);

/* The same of a model that edits pictures, with another row before them: what it says to the negative prompt
 * without the picture.  rows [1 + guided + parts, n], guided; the first becomes
 * guidance_sum(the others) + (image_scale - 1) * (e_u - rows[0]), which for one part is
 * rows[0] + image_scale (e_u - rows[0]) + sum.scale (e_1 - e_u) (Brooks et al. 2023, "InstructPix2Pix", eq.
 * 3). */
void guidance_sum_with_image(const struct guidance_sum *sum, double image_scale, float *rows, size_t n);

#endif
