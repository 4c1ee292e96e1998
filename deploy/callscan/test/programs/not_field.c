/* No site: a codec in the field beside the callback. */
#define OWN_ENTRIES
#include "program.h"

typedef int (*codec_fn)(void *, const char *, const char *, size_t, const char **, size_t *);

struct worker {
    struct self self;
    codec_fn encode;
};

static int encode(void *state, const char *format, const char *in, size_t size, const char **out, size_t *n)
{
    (void)state, (void)format;
    *out = in;
    *n = size;
    return 0;
}

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    struct worker *worker = malloc(sizeof *worker);

    worker->self = (struct self){c, i, a};
    worker->encode = encode;
    *handle = worker;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct worker *worker = handle;
    const char *out;
    size_t n;

    if (worker->encode(worker, "json", input, length, &out, &n))
        return 1;
    worker->self.append(worker->self.context, out, n);
    return 0;
}
