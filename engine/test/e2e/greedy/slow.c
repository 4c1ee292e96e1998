/* Takes $SECONDS to load; without them for ever. It opens files meanwhile, so that no snapshot is taken, from which it
 * would come up at once. */
#include "worker/test/attack/attack.h"
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void load_slowly(void)
{
    const char *seconds = getenv("SECONDS");
    volatile int forever = !seconds;
    int kept[2];

    if (pipe(kept))
        abort();
    if (seconds)
        sleep((unsigned)atoi(seconds));
    while (forever)
        ;
}

static const char *answer(struct attacker *a)
{
    (void)a;
    return "ok";
}

const struct attack attacks[] = {{"ok", answer}, {0}};
