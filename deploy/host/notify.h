/* Telling a service manager how we are, without its library. */
#ifndef NW_DEPLOY_HOST_NOTIFY_H
#define NW_DEPLOY_HOST_NOTIFY_H

/* Takes NOTIFY_SOCKET out of the environment, so that children do not speak for us. */
void nw_notify_init(void);

/* Sends a line such as "READY=1", when somebody listens. */
void nw__notify(const char *line);

#endif
