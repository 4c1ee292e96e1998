/* See ask.h. */
#include "deploy/client/ask.h"
#include "deploy/base/say.h"
#include "deploy/client/answer.h"

static void show_text(const struct nw_reply *reply, void (*show)(const cJSON *answer))
{
    cJSON *root = nw_answer_json(reply);

    show(root);
    cJSON_Delete(root);
}

int nw_ask(const char *state, const char *path, const char *what, bool json, void (*show)(const cJSON *answer))
{
    struct nw_request request = {.method = "GET", .path = path};
    struct nw_reply reply;
    bool good;

    nw_client_send(state, &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        show_text(&reply, show);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}
