/* Loading the program of a domain. */
#ifndef NW_WORKER_LIFE_LOAD_H
#define NW_WORKER_LIFE_LOAD_H

struct nw_domain;
struct nw_slot;

/* Maps stub and ld.so and makes `first` begin at ld.so's entry. Called on the executor that then runs it. */
int nw_domain_load(struct nw_domain *domain, struct nw_slot *first);

#endif
