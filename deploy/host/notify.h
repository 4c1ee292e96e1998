/* Tells a service manager the state of the host, without its library. */
#ifndef NW_DEPLOY_HOST_NOTIFY_H
#define NW_DEPLOY_HOST_NOTIFY_H

/* Takes NOTIFY_SOCKET out of the environment, so that children send no notifications. */
void nw_notify_init(void);

/* Sends a line such as "READY=1", if a service manager listens. */
void nw__notify(const char *line);

#endif
