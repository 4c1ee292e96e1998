/* Attacks of a worker on what another one is working on, on hosts of their own. */
#ifndef NW_ENGINE_TEST_ATTACK_ATTACK_THEFT_H
#define NW_ENGINE_TEST_ATTACK_ATTACK_THEFT_H

/* Tests; each adds its line to the table of attacks. */
void nw_attack_completes_for_another(void **state);
void nw_attack_reads_for_another(void **state);

#endif
