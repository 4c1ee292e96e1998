/*
 * Sees its request as HTTP, and answers with a status and headers of its own:
 *
 *     /status/404     answers with that status
 *     /headers        the headers of the request, one a line
 *     /redirect?to=X  sends the client to X
 *     anything else   what it sees of the request, as JSON would be too long for a sample
 */
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct web {
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
    struct web *web = malloc(sizeof *web);

    (void)invoke_func_fn;
    if (!web)
        return -1;
    *web = (struct web){.context = caller_context, .append = append_output_fn};
    *worker_handle = web;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

static void say(const struct web *web, const char *name, const char *value)
{
    web->append(web->context, name, strlen(name));
    web->append(web->context, ": ", 2);
    web->append(web->context, value, strlen(value));
    web->append(web->context, "\n", 1);
}

static void say_headers(const struct web *web)
{
    const char *name, *value;

    for (size_t i = 0; nw_request_header_at(i, &name, &value) == 0; i++)
        say(web, name, value);
}

static int redirect(const char *query)
{
    if (strncmp(query, "to=", 3) != 0)
        return nw_answer_status(400);
    nw_answer_header("Location", query + 3);
    return nw_answer_status(302);
}

static void say_request(const struct web *web, const char *input, size_t input_length)
{
    say(web, "method", nw_request_method());
    say(web, "path", nw_request_path());
    say(web, "query", nw_request_query());
    say(web, "client", nw_request_client());
    say(web, "id", nw_request_id());
    say(web, "caller", nw_request_caller());
    web->append(web->context, input, input_length);
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct web *web = worker_handle;
    const char *path;

    if (!nw_request_path) { /* on a host that has none of this */
        web->append(web->context, input, input_length);
        return 0;
    }
    path = nw_request_path();
    if (strncmp(path, "/status/", 8) == 0)
        return nw_answer_status(atoi(path + 8));
    if (strcmp(path, "/redirect") == 0)
        return redirect(nw_request_query());
    if (strcmp(path, "/headers") == 0)
        say_headers(web);
    else
        say_request(web, input, input_length);
    return 0;
}
