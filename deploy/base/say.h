/* What the nightward command says to people, and the statuses it ends with. */
#ifndef NW_DEPLOY_BASE_SAY_H
#define NW_DEPLOY_BASE_SAY_H

enum nw_exit {
    NW_EXIT_OK = 0,
    NW_EXIT_REFUSED = 1,  /* the engine answered with an error */
    NW_EXIT_USAGE = 2,    /* the user's words were wrong */
    NW_EXIT_SYSTEM = 111, /* the system failed, or nobody answered */
};

/*
 * One line "nightward: TEXT" on standard output or standard error. Control characters are replaced, so that text from
 * elsewhere cannot forge lines or steer a terminal.
 */
void nw_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void nw_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on lines go into the log (common/base/log.h), unless that is plain text. */
void nw_say_as_log(void);

/* nw_complain, then ends the process. */
_Noreturn void nw_fail(enum nw_exit status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
