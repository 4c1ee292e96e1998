/* See said.h. */
#include "worker/lines/said.h"
#include "common/base/atomic.h"
#include <pthread.h>
#include <string.h>

#define ROOM (512ul << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char box[ROOM]; /* each line behind its head */
static size_t used;    /* written with the lock held */

bool nw__said_add(const struct nw_said *head, const char *text)
{
    const size_t bytes = sizeof(*head) + head->length;
    bool fits;

    pthread_mutex_lock(&lock);
    fits = bytes <= ROOM - used;
    if (fits) {
        memcpy(box + used, head, sizeof(*head));
        memcpy(box + used + sizeof(*head), text, head->length);
        nw_store_relaxed(&used, used + bytes); /* loaded by nw_said_waits */
    }
    pthread_mutex_unlock(&lock);
    return fits;
}

bool nw_said_waits(void)
{
    return nw_load_relaxed(&used) > 0; /* a hint, stored with the lock held */
}

size_t nw_said_first(char *to, size_t room)
{
    struct nw_said head;
    size_t bytes = 0, next;

    pthread_mutex_lock(&lock);
    while (bytes < used) {
        memcpy(&head, box + bytes, sizeof(head));
        next = bytes + sizeof(head) + head.length;
        if (next > room)
            break;
        bytes = next;
    }
    memcpy(to, box, bytes);
    pthread_mutex_unlock(&lock);
    return bytes;
}

void nw_said_drop(size_t bytes)
{
    pthread_mutex_lock(&lock);
    memmove(box, box + bytes, used - bytes);
    nw_store_relaxed(&used, used - bytes); /* loaded by nw_said_waits */
    pthread_mutex_unlock(&lock);
}
