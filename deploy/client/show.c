/* See show.h. */
#include "deploy/client/show.h"
#include "deploy/client/answer.h"
#include <stdio.h>

#define MAX_DEPTH 8

/* Values with commas between, those of an object with their names. */
static void print_inline(const cJSON *item, int depth)
{
    const cJSON *child;
    char text[1024];

    if (cJSON_IsBool(item))
        printf("%s", cJSON_IsTrue(item) ? "yes" : "no");
    else if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
        printf("%s", nw_answer_scalar(item, text, sizeof text));
    else if (depth < MAX_DEPTH)
        cJSON_ArrayForEach(child, item)
        {
            printf("%s%s%s", child->prev && child != item->child ? ", " : "", child->string ? child->string : "",
                   child->string ? " " : "");
            print_inline(child, depth + 1);
        }
}

static void print_line(const char *key, const cJSON *value)
{
    printf("%-16s ", key);
    print_inline(value, 0);
    putchar('\n');
}

static void print_member(const cJSON *member)
{
    const cJSON *child;

    if (!cJSON_IsObject(member->child)) {
        print_line(member->string, member);
        return;
    }
    cJSON_ArrayForEach(child, member) print_line(member->string, child);
}

void nw_show(const cJSON *object)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, object) print_member(member);
}
