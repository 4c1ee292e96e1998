/* Figures as a table for people, and as JSON. */
#ifndef NW_DEPLOY_TOP_ROWS_H
#define NW_DEPLOY_TOP_ROWS_H

#include "deploy/top/figures.h"

/* The first `most` functions. */
void nw__rows_print(const struct nw_figures *figures, size_t most);

/* One line. */
void nw__rows_print_json(const struct nw_figures *figures, double seconds);

#endif
