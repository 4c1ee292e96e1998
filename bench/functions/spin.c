/*
 * A function that computes for as many nanoseconds as its input says, a decimal number, or for as many microseconds as
 * it has bytes when it says nothing of the kind, and answers nothing. With SPIN_THREADS=N in its environment it leaves
 * N threads behind that compute without end. What it computes is always as much: how long it waits for a processor
 * meanwhile is not taken off.
 */
#include <faas/worker_v1_interface.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define MEASURED 100000          /* turns, a fraction of a millisecond */
#define NS_MOST  100000000000ull /* so that no product overflows */

static uint64_t turns_per_ms;

/* Each turn waits for the one before. */
static void turn(uint64_t n)
{
    uint64_t word = 1;

    for (uint64_t i = 0; i < n; i++)
        __asm__ volatile("imulq $0x5851f42d, %0, %0" : "+r"(word));
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The fastest of several, which nothing came between. */
static void measure(void)
{
    for (int i = 0; i < 20; i++) {
        const uint64_t began = now();
        uint64_t rate;

        turn(MEASURED);
        rate = MEASURED * UINT64_C(1000000) / (now() - began);
        turns_per_ms = rate > turns_per_ms ? rate : turns_per_ms;
    }
}

static __attribute__((noreturn)) void *spin(void *unused)
{
    (void)unused;
    for (;;)
        turn(MEASURED);
}

int faas_init(void)
{
    const char *text = getenv("SPIN_THREADS");
    pthread_t thread;

    measure();
    for (int n = text ? atoi(text) : 0; n > 0; n--)
        if (pthread_create(&thread, NULL, spin, NULL))
            return -1;
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    (void)caller_context;
    (void)invoke_func_fn;
    (void)append_output_fn;
    *worker_handle = NULL;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    (void)worker_handle;
    return 0;
}

static uint64_t wanted_ns(const char *input, size_t length)
{
    uint64_t ns = 0;

    for (size_t i = 0; i < length; i++) {
        if (input[i] < '0' || input[i] > '9' || ns > NS_MOST)
            return length * 1000;
        ns = ns * 10 + (uint64_t)(input[i] - '0');
    }
    return ns;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    (void)worker_handle;
    turn(turns_per_ms * wanted_ns(input, input_length) / 1000000);
    return 0;
}
