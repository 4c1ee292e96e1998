/* A scanner without haste to compare the real one with: written from the instruction tables, one length at a time. */
#ifndef NW_PROTECT_TEST_SCAN_NAIVE_SCAN_H
#define NW_PROTECT_TEST_SCAN_NAIVE_SCAN_H

#include "protect/scan/scan.h"

/* As nw_scan. */
size_t naive_scan(const uint8_t *code, size_t size, struct nw_scan_hit *hits, size_t max);

#endif
