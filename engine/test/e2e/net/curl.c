/* A function that fetches the page that its input names with libcurl, which looks up names in a thread of its own. */
#include <curl/curl.h>
#include <faas/worker_v1_interface.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
    void *context;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return curl_global_init(CURL_GLOBAL_ALL);
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct fetch *f = malloc(sizeof(*f));

    (void)invoke;
    f->context = context;
    f->append = append;
    *handle = f;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

static size_t keep(char *data, size_t size, size_t n, void *handle)
{
    struct fetch *f = handle;

    f->append(f->context, data, size * n);
    return size * n;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct fetch *f = handle;
    char *url = strndup(input, length), error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    code = curl_easy_perform(curl);
    if (code)
        f->append(f->context, error, strlen(error));
    curl_easy_cleanup(curl);
    free(url);
    return 0;
}
