/* An answer of the engine as lines for people. */
#ifndef NW_DEPLOY_CLIENT_SHOW_H
#define NW_DEPLOY_CLIENT_SHOW_H

#include <cjson/cJSON.h>

/* Prints every member of an object, and every object of a list, as a line, so that members which a newer engine adds
 * are shown too. */
void nw_show(const cJSON *object);

#endif
