/* An attack on the turns at being loaded, on hosts of its own. */
#ifndef NW_ENGINE_TEST_ATTACK_ATTACK_LOADS_H
#define NW_ENGINE_TEST_ATTACK_ATTACK_LOADS_H

/* A test; adds its line to the table of attacks. */
void attack_by_loading(void **state);

#endif
