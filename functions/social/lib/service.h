/*
 * A function in C that takes JSON and answers with JSON: defines the four functions that a host looks for, and leaves
 * one to write, social_serve. To be included by one source of a function. For C++ there is service.hpp; both follow one
 * rule: what a caller did wrong is answered {"error": "..", "status": 4xx}, also to a function that calls; when
 * anything else goes wrong the invocation fails.
 */
#ifndef SOCIAL_SERVICE_H
#define SOCIAL_SERVICE_H

#include <cjson/cJSON.h>
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct social {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

/* Answers `in`, an object. NULL: there is no memory, or another function could not be called. */
static cJSON *social_serve(const struct social *social, const cJSON *in);

static inline cJSON *social_error(int status, const char *text)
{
    cJSON *error = cJSON_CreateObject();

    cJSON_AddStringToObject(error, "error", text);
    cJSON_AddNumberToObject(error, "status", status);
    return error;
}

/* Calls another function with `in`, which is freed. Its answer, which may be an error; NULL: the call failed. */
static inline cJSON *social_ask(const struct social *social, const char *name, cJSON *in)
{
    char *input = cJSON_PrintUnformatted(in);
    const char *output;
    size_t length;
    cJSON *answer = NULL;

    cJSON_Delete(in);
    if (input && social->invoke(social->context, name, input, strlen(input), &output, &length) == 0)
        answer = cJSON_ParseWithLength(output, length);
    free(input);
    if (!answer)
        fprintf(stderr, "the call of %s failed\n", name);
    return answer;
}

/* Whether an answer says what its caller did wrong. A function passes it on as its own. */
static inline bool social_is_error(const cJSON *answer)
{
    return cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(answer, "status"));
}

/* The text of this key; NULL: there is none of 1 to `most` bytes. */
static inline const char *social_text_of(const cJSON *object, const char *key, size_t most)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text && *text && strlen(text) <= most ? text : NULL;
}

/* The whole input as an object, or NULL. */
static inline cJSON *social_read(const char *input, size_t length)
{
    const char *end;
    cJSON *in = cJSON_ParseWithLengthOpts(input, length, &end, false);

    while (in && end < input + length && strchr(" \t\r\n", *end))
        end++;
    if (cJSON_IsObject(in) && end == input + length)
        return in;
    cJSON_Delete(in);
    return NULL;
}

/* 0; 1: the invocation fails. */
static inline int social_answer(const struct social *social, const cJSON *out)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(out, "status");
    char *text = cJSON_PrintUnformatted(out);

    if (!text)
        return 1;
    if (nw_answer_header)
        nw_answer_header("Content-Type", "application/json");
    if (status && nw_answer_status)
        nw_answer_status(status->valueint);
    social->append(social->context, text, strlen(text));
    free(text);
    return 0;
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct social *social = malloc(sizeof *social);

    if (!social)
        return -1;
    *social = (struct social){.context = caller_context, .invoke = invoke_func_fn, .append = append_output_fn};
    *worker_handle = social;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct social *social = worker_handle;
    cJSON *in = social_read(input, input_length);
    cJSON *out = in ? social_serve(social, in) : social_error(400, "the input is no JSON object");
    int result = social_answer(social, out);

    cJSON_Delete(in);
    cJSON_Delete(out);
    return result;
}

#endif
