/* OpenMP: a sum spread over four threads, with a critical section and tasks. */
#include "functions/compat/compat.h"
#include <omp.h>

int compat_load(void)
{
    return 0;
}

static long fibonacci(int n)
{
    long x, y;

    if (n < 2)
        return n;
#pragma omp task shared(x) if (n > 10)
    x = fibonacci(n - 1);
    y = fibonacci(n - 2);
#pragma omp taskwait
    return x + y;
}

int compat_call(const char *input, FILE *out)
{
    long sum = 0, f = 0;
    int threads = 0;

    (void)input;
#pragma omp parallel num_threads(4)
    {
#pragma omp critical
        threads++;
#pragma omp for reduction(+ : sum)
        for (int i = 1; i <= 100000; i++)
            sum += i;
#pragma omp single
        f = fibonacci(20);
    }
    fprintf(out, "%d threads, sum %ld, fibonacci %ld", threads, sum, f);
    return 0;
}
