// oneTBB: a parallel sum and a parallel sort.
#include "functions/compat/compat.h"
#include <algorithm>
#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_sort.h>
#include <vector>

using range = tbb::blocked_range<size_t>;

static long sum_of(const std::vector<long> &numbers)
{
    return tbb::parallel_reduce(
        range(0, numbers.size()), 0L,
        [&](const range &part, long so_far) {
            for (size_t i = part.begin(); i != part.end(); i++)
                so_far += numbers[i];
            return so_far;
        },
        [](long x, long y) { return x + y; });
}

// With its first task TBB loads an allocator of its own, and does without when it cannot.
int compat_load(void)
{
    return sum_of(std::vector<long>(1000, 1)) == 1000 ? 0 : -1;
}

int compat_call(const char *, FILE *out)
{
    std::vector<long> numbers(200000);

    for (size_t i = 0; i < numbers.size(); i++)
        numbers[i] = static_cast<long>(i * 7919 % numbers.size());
    long sum = sum_of(numbers);
    tbb::parallel_sort(numbers.begin(), numbers.end());
    fprintf(out, "sum %ld, %s", sum, std::is_sorted(numbers.begin(), numbers.end()) ? "sorted" : "not sorted");
    return 0;
}
