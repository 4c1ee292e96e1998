/* libuv: a timer, the thread pool and a wake-up from there; with a port as input also a line sent to a server there. */
#include "functions/compat/compat.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct tried {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_work_t work;
    uv_async_t async;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    int rang, worked, woken;
    char line[64];
};

int compat_load(void)
{
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct tried *t = timer->data;

    t->rang++;
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_async(uv_async_t *async)
{
    struct tried *t = async->data;

    t->woken++;
    uv_close((uv_handle_t *)async, NULL);
}

static void in_pool(uv_work_t *work)
{
    struct tried *t = work->data;

    t->worked++;
    uv_async_send(&t->async);
}

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct tried *t = handle->data;

    (void)size;
    *buffer = uv_buf_init(t->line, sizeof t->line - 1);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct tried *t = stream->data;

    (void)buffer;
    if (n < 0)
        snprintf(t->line, sizeof t->line, "%s", uv_strerror((int)n));
    uv_close((uv_handle_t *)stream, NULL);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct tried *t = connect->data;
    uv_buf_t ping = uv_buf_init("PING\r\n", 6);

    if (status < 0) {
        snprintf(t->line, sizeof t->line, "%s", uv_strerror(status));
        uv_close((uv_handle_t *)&t->tcp, NULL);
        return;
    }
    uv_write(&t->write, connect->handle, &ping, 1, NULL);
    uv_read_start(connect->handle, allocate, on_read);
}

static int talk(struct tried *t, const char *port)
{
    struct sockaddr_in server;

    uv_ip4_addr("127.0.0.1", atoi(port), &server);
    t->tcp.data = t->connect.data = t;
    uv_tcp_init(&t->loop, &t->tcp);
    return uv_tcp_connect(&t->connect, &t->tcp, (struct sockaddr *)&server, on_connect);
}

int compat_call(const char *input, FILE *out)
{
    struct tried t = {.rang = 0};
    int rc = uv_loop_init(&t.loop);

    if (rc < 0) {
        fprintf(out, "no loop: %s", uv_strerror(rc));
        return 0;
    }
    t.timer.data = t.work.data = t.async.data = &t;
    uv_timer_init(&t.loop, &t.timer);
    uv_timer_start(&t.timer, on_timer, 20, 0);
    uv_async_init(&t.loop, &t.async, on_async);
    uv_queue_work(&t.loop, &t.work, in_pool, NULL);
    if (*input && (rc = talk(&t, input)) < 0)
        fprintf(out, "no connection: %s ", uv_strerror(rc));
    uv_run(&t.loop, UV_RUN_DEFAULT);
    fprintf(out, "timer %d, pool %d, async %d%s%.5s", t.rang, t.worked, t.woken, *input ? ", heard " : "", t.line);
    uv_loop_close(&t.loop);
    return 0;
}
