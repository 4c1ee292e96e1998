/* Gives back what a domain had: memory, files, key and shares, once no slot of it is left. Lock held. */
#ifndef NW_WORKER_LIFE_BURIAL_H
#define NW_WORKER_LIFE_BURIAL_H

struct nw_domain;

void nw__domain_destroy(struct nw_domain *domain); /* at once; for a domain that has never run */
void nw_domain_bury(struct nw_domain *domain);     /* later, on another thread */
int nw_burial_init(void); /* before any domain is made, and while the process may still start threads at will */

#endif
