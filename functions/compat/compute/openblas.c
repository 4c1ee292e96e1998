/* OpenBLAS: a product of two matrices of 300 x 300, spread over its threads. */
#include "functions/compat/compat.h"
#include <cblas.h>

enum { N = 300 };
static double a[N * N], b[N * N], c[N * N];

int compat_load(void)
{
    for (int i = 0; i < N * N; i++) {
        a[i] = i % 7;
        b[i] = i % 5;
    }
    return 0;
}

/* What the product must have in one place. */
static double expected(int row, int column)
{
    double sum = 0;

    for (int k = 0; k < N; k++)
        sum += a[row * N + k] * b[k * N + column];
    return sum;
}

int compat_call(const char *input, FILE *out)
{
    int wrong = 0;

    (void)input;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
    for (int i = 0; i < N; i += 13)
        wrong += c[i * N + i] != expected(i, i);
    fprintf(out, "%d wrong, parallel %d", wrong, openblas_get_parallel());
    return 0;
}
