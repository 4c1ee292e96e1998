/*
 * A function that lives beside greedy ones and wants its share: memory, threads, descriptors, and to be back when it
 * crashed. Its input says what it tries; what it does not know it repeats.
 */
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (1 << 20)

struct neighbour {
    void *context;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct neighbour *neighbour = malloc(sizeof *neighbour);

    (void)invoke_func_fn;
    if (!neighbour)
        return -1;
    *neighbour = (struct neighbour){.context = caller_context, .append = append_output_fn};
    *worker_handle = neighbour;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

/* Each returns 0 or an error. */

static int allocate(void)
{
    void *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return errno;
    memset(memory, 1, MEMORY);
    return munmap(memory, MEMORY) ? errno : 0;
}

static void *nothing(void *argument)
{
    return argument;
}

static int start_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);

    return error ? error : pthread_join(thread, NULL);
}

static int open_file(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    return fd < 0 || close(fd) ? errno : 0;
}

static void *write_soon(void *end)
{
    char byte = 1;

    usleep(20000);
    return write(*(int *)end, &byte, 1) == 1 ? NULL : end;
}

/* A read that blocks for a moment. */
static int read_pipe(void)
{
    pthread_t writer;
    char byte;
    int ends[2], error;

    if (pipe(ends))
        return errno;
    error = pthread_create(&writer, NULL, write_soon, &ends[1]);
    if (!error && read(ends[0], &byte, 1) != 1)
        error = errno;
    if (!error)
        error = pthread_join(writer, NULL);
    close(ends[0]);
    close(ends[1]);
    return error;
}

static int take_a_while(void)
{
    return usleep(50000) ? errno : 0;
}

static int crash(void)
{
    abort();
}

static const struct {
    const char *name;
    int (*run)(void);
} actions[] = {
    {"allocate", allocate}, {"thread", start_thread}, {"open", open_file},
    {"read", read_pipe},    {"sleep", take_a_while},  {"crash", crash},
};

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct neighbour *neighbour = worker_handle;

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strlen(actions[i].name) == input_length && !memcmp(actions[i].name, input, input_length)) {
            int error = actions[i].run();
            const char *answer = error ? strerrorname_np(error) : "ok";
            neighbour->append(neighbour->context, answer, strlen(answer));
            return 0;
        }
    neighbour->append(neighbour->context, input, input_length);
    return 0;
}
