#include "engine/test/fake/line.h"

#include "common/base/atomic.h"
#include "common/base/log.h"
#include <errno.h>
#include <string.h>

struct nw_channel fake_channels[NW_CHANNELS_MAX];
unsigned fake_n_channels = 1;
struct nw_channel *fake_line = &fake_channels[0];

void fake_send(const struct nw_desc *desc)
{
    int rc;
    while ((rc = nw_channel_send(fake_line, desc)) == -EAGAIN)
        nw_spin_pause();
    if (rc < 0)
        nw_die_system("the engine broke the ring");
}

bool fake_complete(const struct nw_desc *invoke, enum nw_status status, const void *data, size_t length)
{
    struct nw_desc desc = {.id = invoke->id, .kind = NW_DESC_COMPLETE, .status = status, .length = length};
    if (length && nw_arena_alloc(fake_line->arena, length, &desc.offset) < 0)
        return false;
    if (length && data)
        memcpy(nw_arena_at(fake_line->arena, desc.offset), data, length);
    else if (length)
        memset(nw_arena_at(fake_line->arena, desc.offset), 'x', length);
    fake_send(&desc);
    return true;
}
