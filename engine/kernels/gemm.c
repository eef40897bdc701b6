#include "kernels/gemm.h"

#include <cblas.h>

#include "kernels/dequantize.h"
#include "kernels/vector_ops.h"

bool gemm_init(void)
{
    openblas_set_num_threads(1);
    return openblas_get_parallel() != OPENBLAS_OPENMP;
}

const char *gemm_core_name(void)
{
    return openblas_get_corename();
}

void gemm_nt(size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

const float *matrix_block(const struct matrix *w, size_t row, size_t count, size_t col, size_t width,
                          float *scratch, size_t *stride)
{
    const struct vector_ops *v = vector_ops();
    const size_t first = row * w->cols + col;

    if (w->dtype == DTYPE_F32) {
        *stride = w->cols;
        return (const float *)w->data + first;
    }
    *stride = width;
    if (dtype_is_quantized(w->dtype)) {
        for (size_t i = 0; i < count; i++)
            dequantize(scratch + i * width, w->dtype, w->data, first + i * w->cols, width);
        return scratch;
    }
    for (size_t i = 0; i < count; i++) {
        const uint16_t *from = (const uint16_t *)w->data + first + i * w->cols;

        (w->dtype == DTYPE_F16 ? v->f16_to_f32 : v->bf16_to_f32)(scratch + i * width, from, width);
    }
    return scratch;
}
