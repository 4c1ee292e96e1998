/* Reads the engine's answers. They are not trusted to be well formed. */
#include "deploy/client/answer.h"
#include "common/manifest/manifest.h"
#include "deploy/base/say.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_good(const struct nw_reply *reply)
{
    return reply->http >= 200 && reply->http < 300;
}

static cJSON *parse(const struct nw_reply *reply)
{
    return reply->body.length ? cJSON_ParseWithLength(reply->body.data, reply->body.length) : NULL;
}

/* The message of a JSON error, or words for its status when there is none. From malloc. */
static char *error_of(const struct nw_reply *reply)
{
    cJSON *root = parse(reply);
    const cJSON *message = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "error"), "message");
    char *text = NULL;

    if (cJSON_IsString(message))
        text = strdup(message->valuestring);
    else if (asprintf(&text, "the engine answered with HTTP status %ld and no reason", reply->http) < 0)
        text = NULL;
    cJSON_Delete(root);
    if (!text)
        nw_fail(NW_EXIT_SYSTEM, "cannot read the answer: %s", strerror(ENOMEM));
    return text;
}

cJSON *nw_answer_json(const struct nw_reply *reply)
{
    cJSON *root = parse(reply);

    if (!root)
        nw_fail(NW_EXIT_SYSTEM, "the engine's answer is not JSON; is it of the same version as this program?");
    return root;
}

void nw_answer_write(const void *data, size_t length)
{
    if ((length > 0 && fwrite(data, 1, length, stdout) != length) || fflush(stdout) != 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot write to standard output: %s", strerror(errno));
}

void nw_answer_write_line(const struct nw_reply *reply)
{
    nw_answer_write(reply->body.data, reply->body.length);
    if (reply->body.length == 0 || reply->body.data[reply->body.length - 1] != '\n')
        nw_answer_write("\n", 1);
}

bool nw_answer_check(const struct nw_reply *reply, bool json, const char *what)
{
    char *error;

    if (is_good(reply))
        return true;
    if (json)
        nw_answer_write_line(reply);
    error = error_of(reply);
    nw_complain("cannot %s: %s", what, error);
    free(error);
    return false;
}

const char *nw_answer_scalar(const cJSON *item, char *buffer, size_t size)
{
    if (cJSON_IsString(item))
        snprintf(buffer, size, "%s", item->valuestring);
    else if (cJSON_IsNumber(item))
        snprintf(buffer, size, "%.0f", item->valuedouble);
    else
        snprintf(buffer, size, "%s", cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "-");
    for (char *p = buffer; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return buffer;
}

const char *nw_answer_text(const cJSON *object, const char *key, char *buffer, size_t size)
{
    return nw_answer_scalar(cJSON_GetObjectItemCaseSensitive(object, key), buffer, size);
}

void nw_answer_check_name(const char *name)
{
    if (nw_manifest_check_name(name, strlen(name)) < 0)
        nw_fail(NW_EXIT_USAGE,
                "\"%s\" is not a function's name; it has 1 to %d of A-Z a-z 0-9 . _ - and begins with "
                "none of . -",
                name, NW_NAME_MAX);
}
