/* See shortage.h. */
#include "worker/memory/shortage.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/now.h"
#include "worker/memory/memory.h"
#include <stdio.h>
#include <string.h>

#define KIB         1024ull
#define MIB         (1024 * KIB)
#define SIZE_TEXT   32
#define TEXT        144
#define REASON_PART 96
#define PAUSE_NS    1000000000ull /* between two lines about one domain */

uint64_t nw_memory_used(const struct nw_memory *memory)
{
    /* Without the lock they may be of different moments. */
    return nw_load_relaxed(&memory->regions.charged) + nw_load_relaxed(&memory->code.bytes) +
           nw_load_relaxed(&memory->copy);
}

void nw__memory_note_peak(struct nw_memory *memory)
{
    uint64_t used = nw_memory_used(memory);

    if (used > memory->peak)
        nw_store_relaxed(&memory->peak, used); /* read by nw_tell_holds, for people */
}

void nw__shortage_note(struct nw_memory *memory, uint64_t asked)
{
    nw_store_relaxed(&memory->shortage.asked, asked); /* all read by nw_shortage_explain */
    nw_store_relaxed(&memory->shortage.held, nw_memory_used(memory));
    nw_store_relaxed(&memory->shortage.at, nw_now());
    memory->shortage.said = false;
}

/* In MiB, as limits are given, if it is that much. */
static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
    if (bytes >= MIB)
        snprintf(text, SIZE_TEXT, "%llu.%llu MiB", bytes / MIB, bytes % MIB * 10 / MIB);
    else
        snprintf(text, SIZE_TEXT, "%llu KiB", bytes / KIB);
    return text;
}

static void describe(const struct nw_memory *memory, const struct nw_shortage *s, char text[TEXT])
{
    char asked[SIZE_TEXT], held[SIZE_TEXT];

    snprintf(text, TEXT, "its memory limit of %u MiB does not allow %s more than the %s in use; raise memory",
             (unsigned)(memory->limit / MIB), size_text(s->asked, asked), size_text(s->held, held));
}

/* Whether there is something new to say, and the last line is long enough ago. */
static bool take_news(struct nw_memory *memory, struct nw_shortage *news)
{
    struct nw_shortage *s = &memory->shortage;
    uint64_t now = nw_now();
    bool due;

    pthread_mutex_lock(&memory->lock);
    due = s->at && !s->said && (!s->said_at || now - s->said_at >= PAUSE_NS);
    if (due) {
        s->said = true;
        s->said_at = now;
        *news = *s;
    }
    pthread_mutex_unlock(&memory->lock);
    return due;
}

void nw_shortage_say(struct nw_memory *memory)
{
    struct nw_shortage news;
    char text[TEXT];

    if (!take_news(memory, &news) || !nw_may_log(&memory->account->log, memory->account->name))
        return;
    describe(memory, &news, text);
    nw_log(NW_LOG_WARN, "function %s: %s", memory->account->name, text);
}

/* While the function starts, the shortage is put first: the reason so far is libc's, which does not know the limit.
 */
void nw_shortage_explain(const struct nw_memory *memory, bool is_up, uint64_t recent_ns, char reason[NW_REASON_MAX])
{
    const struct nw_shortage last = {
        .asked =
            nw_load_relaxed(&memory->shortage.asked), /* all stored by nw__shortage_note; they need not go together */
        .held = nw_load_relaxed(&memory->shortage.held),
        .at = nw_load_relaxed(&memory->shortage.at),
    };
    char text[TEXT], part[REASON_PART];

    if (!last.at || (is_up && nw_now() - last.at > recent_ns))
        return;
    describe(memory, &last, text);
    snprintf(part, sizeof(part), "%.*s", REASON_PART - 1, reason);
    if (is_up)
        snprintf(reason, NW_REASON_MAX, "%s; before that, %s", part, text);
    else
        snprintf(reason, NW_REASON_MAX, "%s (%s)", text, part);
}
