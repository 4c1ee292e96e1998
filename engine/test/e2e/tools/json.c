/*
 * Reads JSON on standard input and prints what lies at a path: `json workers.0.pid`. A string is printed bare, an array
 * or object as JSON, "PATH.#" is the number of its items. Status 1 when there is no such thing, or no JSON.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 20)

static const cJSON *step(const cJSON *at, const char *key)
{
    return cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(key)) : cJSON_GetObjectItemCaseSensitive(at, key);
}

static int show(const cJSON *item)
{
    char *text;

    if (cJSON_IsString(item))
        return puts(item->valuestring) < 0;
    text = cJSON_PrintUnformatted(item);
    if (!text)
        return 1;
    puts(text);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    static char input[INPUT_MAX];
    size_t length = fread(input, 1, sizeof input - 1, stdin);
    const char *end;
    cJSON *root = cJSON_ParseWithLengthOpts(input, length + 1, &end, 1);
    const cJSON *at = root;
    char none[] = "", *path = argc == 2 ? argv[1] : none;

    if (!root || argc > 2)
        return 1;
    for (char *key = strtok(path, "."); key && at; key = strtok(NULL, ".")) {
        if (!strcmp(key, "#"))
            return printf("%d\n", cJSON_GetArraySize(at)) < 0;
        at = step(at, key);
    }
    return at ? show(at) : 1;
}
