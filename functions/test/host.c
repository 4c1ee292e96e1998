/* See host.h. Outputs of nested calls are kept until the outermost call is over, as the ABI promises. */
#include "functions/test/host.h"

#include <dlfcn.h>
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS_MAX 32

struct frame {
    struct frame *next; /* the frame made before this one */
    struct host *host;
    char *output;
    size_t length;
};

struct loaded {
    char name[64];
    void *object;
    int (*create)(void *, faas_invoke_func_fn_t, faas_append_output_fn_t, void **);
    int (*destroy)(void *);
    int (*call)(void *, const char *, size_t);
};

struct host {
    char folder[4096];
    struct loaded loaded[FUNCTIONS_MAX];
    int n_loaded;
    struct frame *frames;
};

static void frames_free(struct host *host)
{
    while (host->frames) {
        struct frame *frame = host->frames;
        host->frames = frame->next;
        free(frame->output);
        free(frame);
    }
}

static int load(const struct host *host, struct loaded *loaded, const char *name)
{
    char path[sizeof host->folder + 160];
    int (*init)(void);

    snprintf(loaded->name, sizeof loaded->name, "%s", name);
    snprintf(path, sizeof path, "%s/%s/%s.so", host->folder, name, name);
    loaded->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!loaded->object)
        return -1;
    *(void **)&init = dlsym(loaded->object, "faas_init");
    *(void **)&loaded->create = dlsym(loaded->object, "faas_create_func_worker");
    *(void **)&loaded->destroy = dlsym(loaded->object, "faas_destroy_func_worker");
    *(void **)&loaded->call = dlsym(loaded->object, "faas_func_call");
    if (init && loaded->create && loaded->destroy && loaded->call && init() == 0)
        return 0;
    dlclose(loaded->object);
    return -1;
}

static struct loaded *find(struct host *host, const char *name)
{
    for (int i = 0; i < host->n_loaded; i++)
        if (!strcmp(host->loaded[i].name, name))
            return &host->loaded[i];
    if (host->n_loaded == FUNCTIONS_MAX || load(host, &host->loaded[host->n_loaded], name))
        return NULL;
    return &host->loaded[host->n_loaded++];
}

static void append(void *context, const char *data, size_t length)
{
    struct frame *frame = context;
    char *grown = realloc(frame->output, frame->length + length + 1);

    if (!grown)
        abort();
    memcpy(grown + frame->length, data, length);
    frame->output = grown;
    frame->length += length;
    frame->output[frame->length] = '\0';
}

static int invoke(void *context, const char *name, const char *input, size_t length, const char **output,
                  size_t *output_length);

/* Runs one call in a frame of its own, with a func worker of its own: recursion then needs nothing special. */
static int run(struct host *host, const char *name, const char *input, size_t length, struct frame **made)
{
    struct loaded *loaded = find(host, name);
    struct frame *frame = loaded ? calloc(1, sizeof *frame) : NULL;
    void *handle;
    int result;

    if (!frame)
        return -1;
    *frame = (struct frame){.next = host->frames, .host = host};
    host->frames = *made = frame;
    append(frame, "", 0);
    if (loaded->create(frame, invoke, append, &handle))
        return -1;
    result = loaded->call(handle, input, length);
    loaded->destroy(handle);
    return result;
}

static int invoke(void *context, const char *name, const char *input, size_t length, const char **output,
                  size_t *output_length)
{
    struct frame *caller = context, *frame;

    *output = NULL;
    *output_length = 0;
    if (run(caller->host, name, input, length, &frame))
        return -1;
    *output = frame->output;
    *output_length = frame->length;
    return 0;
}

struct host *host_new(const char *folder)
{
    struct host *host = calloc(1, sizeof *host);

    if (host)
        snprintf(host->folder, sizeof host->folder, "%s", folder);
    return host;
}

void host_free(struct host *host)
{
    frames_free(host);
    for (int i = 0; i < host->n_loaded; i++)
        dlclose(host->loaded[i].object);
    free(host);
}

int host_call(struct host *host, const char *name, const void *input, size_t length, const char **output,
              size_t *output_length)
{
    struct frame *frame = NULL;
    int result;

    frames_free(host);
    result = run(host, name, input, length, &frame);
    *output = frame ? frame->output : NULL;
    *output_length = frame ? frame->length : 0;
    return result;
}
