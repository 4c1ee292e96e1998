/* An answer of the engine as lines for people. */
#ifndef NW_DEPLOY_CLIENT_SHOW_H
#define NW_DEPLOY_CLIENT_SHOW_H

#include <cjson/cJSON.h>

/* Whatever the engine tells, so that what it learns to tell is shown too: a line for each member of an object, and for
 * each object of a list. */
void nw_show(const cJSON *object);

#endif
