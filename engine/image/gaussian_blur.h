/*
 * gaussian_blur.h - two blurs, with the arithmetic of the libraries whose pictures are followed.
 */
#ifndef GAUSSIAN_BLUR_H
#define GAUSSIAN_BLUR_H

#include <stddef.h>
#include <stdint.h>

#include <latentd/error.h>

/* Samples of 8 bits that lie `step` apart. */
struct sample_line {
    uint8_t *first;
    size_t count, step;
};

/* A Gaussian kernel in fixed point, as OpenCV's GaussianBlur makes it of 8-bit pictures. */
struct gaussian_kernel {
    int reach;    /* weights on either side of the middle */
    int *weights; /* [2 reach + 1]; they sum to 256 */
};

/* The kernel of AUTOMATIC1111's mask blur: sigma pixels (1..), reach 2.5 sigma.  End it with
 * gaussian_kernel_fini, also on failure.  Errors: LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status gaussian_kernel_init(struct gaussian_kernel *kernel, int sigma,
                                                  struct ltd_error *err);
void gaussian_kernel_fini(struct gaussian_kernel *kernel);

/* Blurs the line, mirrored at its ends without repeating them; scratch has room for its samples and twice the
 * kernel's reach. */
void gaussian_blur(struct sample_line line, const struct gaussian_kernel *kernel, uint8_t *scratch);

/* Blurs the line as PIL's GaussianBlur(radius) does: three boxes whose edges weigh less (Gwosdek et al.
 * 2011), each rounded, with the line's end samples repeated.  scratch has room for its samples. */
void box_blur(struct sample_line line, float radius, uint8_t *scratch);

#endif
