/*
 * A function that needs parts of libc only when it is called: its input names one. It says what came of it. Plain C, so
 * that nothing has loaded the unwinder before.
 */
#include <errno.h>
#include <execinfo.h>
#include <faas/worker_v1_interface.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT 256

struct late {
    void *context;
    faas_append_output_fn_t append;
    char text[TEXT];
};

static sem_t sleeping;

static void *leave(void *with)
{
    pthread_exit(with);
}

static void *wait_to_be_cancelled(void *unused)
{
    for (;;)
        pthread_testcancel();
    return unused;
}

static void *sleep_until_cancelled(void *unused)
{
    sem_post(&sleeping);
    pause();
    return unused;
}

static void do_exit(struct late *l, const char *unused)
{
    pthread_t thread;
    void *result = NULL;

    (void)unused;
    pthread_create(&thread, NULL, leave, l);
    pthread_join(thread, &result);
    snprintf(l->text, TEXT, "%s", result == l ? "left" : "lost");
}

static void do_cancel(struct late *l, const char *unused)
{
    pthread_t thread;
    void *result = NULL;

    (void)unused;
    pthread_create(&thread, NULL, wait_to_be_cancelled, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    snprintf(l->text, TEXT, "%s", result == PTHREAD_CANCELED ? "cancelled" : "lost");
}

/* It sleeps, or is about to: either way the cancellation finds it in pause. */
static void do_wake(struct late *l, const char *unused)
{
    pthread_t thread;
    void *result = NULL;

    (void)unused;
    sem_init(&sleeping, 0, 0);
    pthread_create(&thread, NULL, sleep_until_cancelled, NULL);
    sem_wait(&sleeping);
    usleep(1000);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    snprintf(l->text, TEXT, "%s", result == PTHREAD_CANCELED ? "cancelled" : "lost");
}

static void do_backtrace(struct late *l, const char *unused)
{
    void *frames[16];

    (void)unused;
    snprintf(l->text, TEXT, "%s", backtrace(frames, 16) > 2 ? "frames" : "none");
}

static void do_iconv(struct late *l, const char *charset)
{
    char in[] = "\xa4", out[8] = "", *from = in, *to = out;
    size_t in_left = 1, out_left = sizeof(out) - 1;
    iconv_t conversion = iconv_open("UTF-8", charset);

    if (conversion == (iconv_t)-1 || iconv(conversion, &from, &in_left, &to, &out_left) == (size_t)-1)
        snprintf(l->text, TEXT, "%s", strerrorname_np(errno));
    else
        snprintf(l->text, TEXT, "%s", out);
}

static void do_locale(struct late *l, const char *name)
{
    snprintf(l->text, TEXT, "%s", setlocale(LC_ALL, name) ? nl_langinfo(CODESET) : "none");
}

static void do_zone(struct late *l, const char *unused)
{
    const time_t winter = 1000000000 - 1000000000 % 31556952; /* a January */
    struct tm t;

    (void)unused;
    localtime_r(&winter, &t); /* which need not look at TZ again, and does the first time */
    snprintf(l->text, TEXT, "%s %ld", t.tm_zone, t.tm_gmtoff);
}

static void do_open(struct late *l, const char *path)
{
    FILE *file = fopen(path, "re");

    snprintf(l->text, TEXT, "%s", file ? "ok" : strerrorname_np(errno));
    if (file)
        fclose(file);
}

static void do_lookup(struct late *l, const char *name)
{
    struct addrinfo *found = NULL, hints = {.ai_family = AF_INET};
    int error = getaddrinfo(name, "80", &hints, &found);

    snprintf(l->text, TEXT, "%s", error ? gai_strerror(error) : "found");
    if (!error)
        freeaddrinfo(found);
}

static const struct {
    const char *name;
    void (*run)(struct late *l, const char *argument);
} commands[] = {
    {"exit", do_exit},     {"cancel", do_cancel}, {"wake", do_wake}, {"backtrace", do_backtrace}, {"iconv", do_iconv},
    {"locale", do_locale}, {"zone", do_zone},     {"open", do_open}, {"lookup", do_lookup},
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct late *l = calloc(1, sizeof(*l));

    (void)invoke;
    *handle = l;
    if (l)
        *l = (struct late){.context = context, .append = append};
    return l ? 0 : -1;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct late *l = handle;
    char command[TEXT], *argument;

    snprintf(command, sizeof(command), "%.*s", (int)length, input);
    argument = strchrnul(command, ' ');
    if (*argument)
        *argument++ = '\0';
    strcpy(l->text, "?");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(command, commands[i].name) == 0)
            commands[i].run(l, argument);
    l->append(l->context, l->text, strlen(l->text));
    return 0;
}
