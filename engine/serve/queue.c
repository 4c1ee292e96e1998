/* See queue.h. */
#include "engine/serve/queue.h"
#include "common/base/valid.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"

bool nw_queue_is_valid(const struct nw_queue *queue)
{
    return queue->bound >= queue->in_flight && queue->in_flight >= queue->from_clients && (!queue->open || queue->link);
}

void nw_queue_init(struct nw_queue *queue, struct nw_version *version)
{
    *queue = (struct nw_queue){.version = version};
    nw_list_init(&queue->waiting[0]);
    nw_list_init(&queue->waiting[1]);
    nw_list_init(&queue->pump_link);
    nw_list_append(&version->queues, &queue->of_version);
}

void nw_queue_fini(struct nw_queue *queue)
{
    nw_list_remove(&queue->of_version);
    nw_list_remove(&queue->pump_link);
}

void nw_queue_open(struct nw_queue *queue, struct nw_link *link)
{
    if (queue->link != link)
        queue->completed = 0;
    queue->link = link;
    queue->open = true;
    nw_check_valid(nw_queue, queue);
}

void nw_queue_close(struct nw_queue *queue)
{
    queue->open = false;
    nw_check_valid(nw_queue, queue);
}

void nw_queue_lost(struct nw_queue *queue)
{
    queue->open = false;
    queue->link = NULL;
    nw_check_valid(nw_queue, queue);
}

void nw__queue_bind(struct nw_queue *queue)
{
    queue->bound++;
    nw_check_valid(nw_queue, queue);
}

void nw__queue_unbind(struct nw_queue *queue)
{
    queue->bound--;
    nw_check_valid(nw_queue, queue);
    if (!queue->bound && (!queue->open || queue->version->state == NW_VERSION_RETIRED))
        queue->version->engine->unbound = true;
}

void nw__queue_pump_later(struct nw_queue *queue)
{
    if (nw_list_empty(&queue->pump_link))
        nw_list_append(&queue->version->engine->pump, &queue->pump_link);
}
