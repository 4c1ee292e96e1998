/* The state directory: where it is, and the socket in it. */
#ifndef NW_DEPLOY_BASE_STATE_H
#define NW_DEPLOY_BASE_STATE_H

#include "deploy/base/options.h"

/* Sets the option's default: $XDG_STATE_HOME/nightward, else ~/.local/state/nightward. Returns the setting. */
const char *nw_state_directory(struct nw_settings *settings, size_t option);

/* The same for a command that looks for a running host: where the default has none, that of the service of systemd. */
const char *nw_state_find(struct nw_settings *settings, size_t option);

/* Makes the directory and those above it that are missing, for this user only. Ends with 111 when it cannot, or when
 * nothing can be written there. */
void nw_state_make(const char *directory);

/* The path of the admin socket, from malloc. Ends with 2 when it is longer than a socket's path may be. */
char *nw_state_socket(const char *directory);

#endif
