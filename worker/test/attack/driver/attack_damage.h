/* Files that are no sound function, one thing being wrong with each. */
#ifndef NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_DAMAGE_H
#define NW_WORKER_TEST_ATTACK_DRIVER_ATTACK_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

struct attack_damage {
    const char *name;
    size_t offset; /* in the file */
    uint8_t bytes[8];
    size_t length;
    size_t keep; /* so many bytes of the file; 0: all */
};

extern const struct attack_damage attack_damages[];
extern const size_t attack_damages_count;

/* bare.so in memory, damaged. */
int nw_attack_damaged(const struct attack_damage *damage);

/* Puts WRPKRU, for all rights, and a return where these bytes of memory.so have the code of the attack "changed".
 * Returns where that is. */
size_t nw_attack_put_code(uint8_t *bytes, size_t size);

/* Loads memory.so as "changing", and changes the code in its file afterwards. */
uint32_t nw_attack_load_changing(void);

#endif
