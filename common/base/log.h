/*
 * Log lines on standard error: "nightward-engine: info: text", or the same with the time as logfmt or JSON, as a
 * variable of the environment says, which all processes of a host share. One write per line, so lines never mix.
 * Logging never blocks: a line that a full pipe does not take is lost and counted, and the next line is preceded by one
 * that says how many were lost. Any thread.
 */
#ifndef NW_COMMON_BASE_LOG_H
#define NW_COMMON_BASE_LOG_H

#include <stddef.h>

enum nw_log_level { NW_LOG_ERROR, NW_LOG_WARN, NW_LOG_INFO, NW_LOG_DEBUG };

/* How lines look. */
enum nw_log_format { NW_LOG_TEXT, NW_LOG_LOGFMT, NW_LOG_JSON };

#define NW_LOG_FORMAT_VARIABLE "NIGHTWARD_LOG_FORMAT"
#define NW_LOG_FORMAT_WORDS    "text, logfmt or json"

/* The format of that name, or -EINVAL; that of this process. */
int nw_log_format_parse(const char *name);
enum nw_log_format nw_log_format(void);

/* Names the program in every line and sets the most verbose level shown. `program` must outlive the process. */
void nw_log_init(const char *program, enum nw_log_level level);

/* Writes one line. Control characters in the result are escaped, so untrusted text cannot forge lines. Keeps errno. */
void nw_log(enum nw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes `length` bytes, which may be anything, behind a prefix; as several lines when they do not fit one. */
void nw_log_bytes(enum nw_log_level level, const char *prefix, const void *bytes, size_t length);

/* Writes an error line and ends with status 111 (the system failed), or 2 (the user's words were wrong). */
_Noreturn void nw_die_system(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void nw_die_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
