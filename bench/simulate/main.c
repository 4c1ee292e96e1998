/*
 * simulate [table|plot|FACTOR=VALUE...]: `table`, the default, prints the table of docs/scaling.md; `plot` the points
 * of its figure; else one simulation of these factors.
 */
#include "bench/simulate/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [NW_TRAFFIC_ZIPF] = "Zipf", [NW_TRAFFIC_DIURNAL] = "diurnal", [NW_TRAFFIC_FLASH] = "flash crowd"};

static const struct nw_simulation_plan usual = {
    .traffic = {.functions = 100000, .exponent = 0.99, .rate = 500, .seconds = 1800, .seed = 12},
    .hosts = 1,
    .workers = 1000,
    .keys = 13,
    .room = 10000,
    .idle = 300,
};

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static int run(const struct nw_simulation_plan *plan, struct nw_simulation_result *result)
{
    int error = nw__simulate(plan, result);

    if (error)
        fputs("simulate: out of memory\n", stderr);
    return error;
}

static int print_row(const struct nw_simulation_plan *plan)
{
    struct nw_simulation_result r;

    if (run(plan, &r))
        return 1;
    printf("| %s | %u | %u | %u | %u | %u | %g | %.2f%% | %.2f%% | %.2f%% | %lu | %u | %u |\n",
           kinds[plan->traffic.kind], plan->traffic.functions, plan->hosts, plan->workers, plan->keys, plan->room,
           plan->idle, percent(r.warm, r.calls), percent(r.cold, r.calls), percent(r.rekeys, r.calls), r.moves,
           r.most_warm, r.most_workers);
    return 0;
}

static void print_head(void)
{
    puts("| load | functions | hosts | workers | keys | room | idle, s | warm | cold | re-key | moves | most warm | "
         "most workers |\n"
         "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
}

/* "ZIPF, DIURNAL, FLASH" of three percentages. */
static void print_three(const struct nw_simulation_result results[3], uint64_t part[3])
{
    for (int kind = 0; kind < 3; kind++)
        printf("%s%.1f", kind ? ", " : "", percent(part[kind], results[kind].calls));
}

static int print_kinds(struct nw_simulation_plan plan)
{
    struct nw_simulation_result r[3];
    const struct nw_simulation_result *zipf = &r[NW_TRAFFIC_ZIPF];

    for (int kind = NW_TRAFFIC_ZIPF; kind <= NW_TRAFFIC_FLASH; kind++) {
        plan.traffic.kind = (enum nw_traffic_kind)kind;
        if (run(&plan, &r[kind]))
            return 1;
    }
    printf("| %u | %u | %u | %u | %g s | ", plan.traffic.functions, plan.hosts, plan.workers, plan.room, plan.idle);
    print_three(r, (uint64_t[]){r[0].cold, r[1].cold, r[2].cold});
    printf(" | ");
    print_three(r, (uint64_t[]){r[0].rekeys, r[1].rekeys, r[2].rekeys});
    printf(" | %u | %u |\n", zipf->most_warm, zipf->most_workers);
    return 0;
}

/* What one factor changes. */
static int print_table(void)
{
    static const struct {
        unsigned functions, hosts, workers, room;
        double idle;
    } rows[] = {
        {1000, 1, 1, 1000, 300},         {1000, 1, 16, 1000, 300},       {1000, 1, 77, 1000, 300},
        {100000, 1, 8000, 100000, 30},   {100000, 1, 8000, 100000, 300}, {100000, 1, 8000, 100000, 3600},
        {100000, 1, 1000, 1000, 300},    {100000, 1, 1000, 10000, 300},  {1000000, 1, 1000, 10000, 300},
        {1000000, 10, 1000, 10000, 300},
    };
    int error = 0;

    puts("| functions | hosts | workers, most | room | idle | cold, % | re-key, % | warm at a time | workers at a time "
         "|\n"
         "| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !error; i++) {
        struct nw_simulation_plan plan = usual;
        plan.traffic.functions = rows[i].functions;
        plan.hosts = rows[i].hosts;
        plan.workers = rows[i].workers;
        plan.room = rows[i].room;
        plan.idle = rows[i].idle;
        error = print_kinds(plan);
    }
    return error;
}

/* "ROOM ZIPF DIURNAL FLASH": the share of calls that are cold when so many functions have room, in percent. */
static int print_plot(void)
{
    for (unsigned room = 100; room <= 51200; room *= 2) {
        printf("%u", room);
        for (int kind = NW_TRAFFIC_ZIPF; kind <= NW_TRAFFIC_FLASH; kind++) {
            struct nw_simulation_plan plan = usual;
            struct nw_simulation_result r;
            plan.traffic.kind = (enum nw_traffic_kind)kind;
            plan.room = room;
            plan.workers = room / plan.keys + 1;
            plan.idle = 1e9;
            if (run(&plan, &r))
                return 1;
            printf(" %.3f", percent(r.cold, r.calls));
        }
        putchar('\n');
    }
    return 0;
}

static bool set_number(const char *text, double least, double greatest, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && !*end && *value >= least && *value <= greatest;
}

/* FACTOR=VALUE */
static bool set(struct nw_simulation_plan *plan, const char *argument)
{
    const struct {
        const char *name;
        unsigned *whole;
        double *real, least, greatest;
    } factors[] = {
        {"functions=", &plan->traffic.functions, NULL, 1, 1e7},
        {"hosts=", &plan->hosts, NULL, 1, 1e4},
        {"workers=", &plan->workers, NULL, 1, 1e5},
        {"keys=", &plan->keys, NULL, 1, NW_SIMULATION_KEYS_MAX},
        {"room=", &plan->room, NULL, 1, 1e7},
        {"idle=", NULL, &plan->idle, 0, 1e9},
        {"rate=", NULL, &plan->traffic.rate, 0.001, 1e9},
        {"seconds=", NULL, &plan->traffic.seconds, 0.001, 1e9},
        {"zipf=", NULL, &plan->traffic.exponent, 0, 10},
    };
    double value;

    for (int kind = NW_TRAFFIC_ZIPF; kind <= NW_TRAFFIC_FLASH; kind++)
        if (!strncmp(argument, "load=", 5) && !strncmp(argument + 5, kinds[kind], 5)) {
            plan->traffic.kind = (enum nw_traffic_kind)kind;
            return true;
        }
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        size_t length = strlen(factors[i].name);
        if (strncmp(argument, factors[i].name, length) != 0)
            continue;
        if (!set_number(argument + length, factors[i].least, factors[i].greatest, &value))
            return false;
        if (factors[i].whole)
            *factors[i].whole = (unsigned)value;
        else
            *factors[i].real = value;
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct nw_simulation_plan plan = usual;

    if (argc == 1 || (argc == 2 && !strcmp(argv[1], "table")))
        return print_table();
    if (argc == 2 && !strcmp(argv[1], "plot"))
        return print_plot();
    for (int i = 1; i < argc; i++)
        if (!set(&plan, argv[i])) {
            fprintf(stderr,
                    "simulate: \"%s\" is no FACTOR=VALUE; factors: load (Zipf, diurnal, flash), functions, hosts, "
                    "workers, keys, "
                    "room, idle, rate, seconds, zipf\n",
                    argv[i]);
            return 2;
        }
    print_head();
    return print_row(&plan);
}
