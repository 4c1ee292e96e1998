/* See draw.h. */
#include "bench/draw/draw.h"
#include "common/base/valid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

uint64_t nw_random_next(struct nw_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double nw_random_unit(struct nw_random *random)
{
    return (double)(nw_random_next(random) >> 11) * 0x1p-53;
}

static void fill_shares(struct nw_draw *draw, double exponent)
{
    double sum = 0;

    for (unsigned i = 0; i < draw->count; i++) {
        sum += pow(i + 1, -exponent);
        draw->below[i] = sum;
    }
    for (unsigned i = 0; i < draw->count; i++)
        draw->below[i] /= sum;
}

static void shuffle(struct nw_draw *draw)
{
    for (unsigned i = 0; i < draw->count; i++)
        draw->of[i] = i;
    for (unsigned i = 1; i < draw->count; i++) {
        unsigned j = (unsigned)(nw_random_next(&draw->random) % (i + 1)), other = draw->of[j];
        draw->of[j] = draw->of[i];
        draw->of[i] = other;
    }
}

int nw_draw_init(struct nw_draw *draw, unsigned count, double exponent, uint64_t seed)
{
    *draw = (struct nw_draw){.count = count, .random.state = seed};
    if (exponent <= 0)
        return 0;
    draw->below = calloc(count, sizeof *draw->below);
    draw->of = calloc(count, sizeof *draw->of);
    if (!draw->below || !draw->of) {
        nw_draw_fini(draw);
        return -ENOMEM;
    }
    fill_shares(draw, exponent);
    shuffle(draw);
    nw_check_valid(nw_draw, draw);
    return 0;
}

void nw_draw_fini(struct nw_draw *draw)
{
    free(draw->below);
    free(draw->of);
    *draw = (struct nw_draw){0};
}

bool nw_draw_is_valid(const struct nw_draw *draw)
{
    return draw->count > 0 && draw->next < draw->count && !draw->below == !draw->of &&
           (!draw->below || fabs(draw->below[draw->count - 1] - 1) < 1e-9);
}

/* The first rank whose share reaches up to `at`. */
static unsigned rank_at(const struct nw_draw *draw, double at)
{
    unsigned low = 0, high = draw->count - 1;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (draw->below[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

unsigned nw_draw_next(struct nw_draw *draw)
{
    unsigned drawn = draw->next;

    if (draw->below)
        return draw->of[rank_at(draw, nw_random_unit(&draw->random))];
    draw->next = drawn + 1 == draw->count ? 0 : drawn + 1;
    return drawn;
}
