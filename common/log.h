/* Log lines on standard error: "nightward-engine: info: text". One write per line, so lines never mix. */
#ifndef NW_COMMON_LOG_H
#define NW_COMMON_LOG_H

enum nw_log_level { NW_LOG_ERROR, NW_LOG_WARN, NW_LOG_INFO, NW_LOG_DEBUG };

/* Names the program in every line and sets the most verbose level shown. `program` must outlive the process. */
void nw_log_init(const char *program, enum nw_log_level level);

/* Writes one line. Control characters in the result are escaped, so untrusted text cannot forge lines. Keeps errno. */
void nw_log(enum nw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes an error line and ends with status 111 (the system failed), or 2 (the user's words were wrong). */
_Noreturn void nw_die_system(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void nw_die_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
