/* Requests: the pool that they come from and go back to, and their ids. */
#include "common/base/clock.h"
#include "common/base/poison.h"
#include "engine/http/private.h"
#include <stdlib.h>
#include <string.h>

/* All but the link: what nobody may look at while it lies in the pool. */
#define PRIVATE_PART(r) &(r)->conn, sizeof(struct nw_http_request) - offsetof(struct nw_http_request, conn)

struct nw_http_request *nw__http_request_new(struct nw_http_conn *conn)
{
    struct nw_http_server *server = conn->server;
    struct nw_http_request *r;
    if (nw_list_empty(&server->free_requests)) {
        r = malloc(sizeof *r);
        if (!r)
            return NULL;
    } else {
        r = nw_container(server->free_requests.next, struct nw_http_request, link);
        nw_list_remove(&r->link);
        nw_unpoison(PRIVATE_PART(r));
    }
    memset(r, 0, offsetof(struct nw_http_request, small_head));
    memset(&r->head, 0, sizeof *r - offsetof(struct nw_http_request, head));
    r->head = r->small_head;
    r->conn = conn;
    r->body_limit = server->limits.body;
    r->began = server->ended ? nw_clock_ns() : 0;
    nw_list_append(&conn->requests, &r->link);
    conn->n_requests++;
    return r;
}

void nw__http_request_free(struct nw_http_request *r)
{
    if (r->began)
        r->conn->server->ended(r->conn->server->ended_arg, r);
    free(r->path);
    if (r->release)
        r->release(r->release_arg);
    nw_buffer_fini(&r->text);
    nw_buffer_fini(&r->fields_said);
    if (r->head != r->small_head)
        free(r->head);
    nw_list_remove(&r->link);
    r->conn->n_requests--;
    nw_list_append(&r->conn->server->free_requests, &r->link);
    nw_poison(PRIVATE_PART(r));
}

/* splitmix64: ids need to be distinct, not secret. */
static uint64_t next_id(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool id_is_safe(struct nw_http_text id)
{
    if (!id.length || id.length > NW_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.length; i++) {
        char c = id.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || memchr("._-:+/=", c, 7)))
            return false;
    }
    return true;
}

void nw__http_set_id(struct nw_http_request *r, struct nw_http_text wanted)
{
    if (id_is_safe(wanted)) {
        memcpy(r->id, wanted.at, wanted.length);
        r->id[wanted.length] = '\0';
        return;
    }
    uint64_t number = next_id(&r->conn->server->id_state);
    for (int i = 0; i < 16; i++, number >>= 4)
        r->id[i] = "0123456789abcdef"[number & 15];
    r->id[16] = '\0';
}

int nw_http_reserve_nothing(struct nw_http_request *request, uint64_t total)
{
    (void)request, (void)total;
    return 0;
}

void nw_http_pass_over(struct nw_http_request *request, const char *data, size_t length)
{
    (void)request, (void)data, (void)length;
}
