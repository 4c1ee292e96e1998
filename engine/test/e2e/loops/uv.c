/* A function with a loop of libuv: a timer, a thread of its pool and a wake-up, each of which ends a part of the wait.
 */
#include "engine/test/e2e/loops/loop.h"
#include <uv.h>

static void add(char *seen, char mark)
{
    seen[strlen(seen)] = mark;
}

static void on_timer(uv_timer_t *timer)
{
    add(timer->data, 't');
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_async(uv_async_t *async)
{
    add(async->data, 'a');
    uv_close((uv_handle_t *)async, NULL);
}

static void work(uv_work_t *work)
{
    (void)work;
}

static void on_work(uv_work_t *work, int status)
{
    add(work->data, status == 0 ? 'w' : '!');
}

const char *loop_run(char seen[LOOP_TEXT])
{
    uv_loop_t loop;
    uv_timer_t timer = {.data = seen};
    uv_async_t async = {.data = seen};
    uv_work_t job = {.data = seen};
    int error = uv_loop_init(&loop);

    if (error)
        return uv_err_name(error);
    uv_async_init(&loop, &async, on_async);
    uv_async_send(&async);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_queue_work(&loop, &job, work, on_work);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 5, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    error = uv_loop_close(&loop);
    return error ? uv_err_name(error) : seen;
}
