/* Fills in samples from what the engine knows now. Not responsible for how they are shown (text.h). */
#ifndef NW_ENGINE_METRICS_SAMPLE_H
#define NW_ENGINE_METRICS_SAMPLE_H

#include "engine/metrics/metric.h"
#include <stdbool.h>

struct nw_controller;
struct nw_function;
struct nw_seat;

/* False: it was never called and no worker has it, so there is nothing to say of it. */
bool nw__sample_function(struct nw__function_sample *sample, const struct nw_function *function);

/* False: its worker is not up. */
bool nw__sample_worker(struct nw__worker_sample *sample, const struct nw_seat *seat);

/* All but what the others have been counted for: workers, and functions that were left out. */
void nw__sample_host(struct nw__host_sample *sample, const struct nw_controller *controller);
void nw__sample_build(struct nw__build_sample *sample, const struct nw_controller *controller);

#endif
