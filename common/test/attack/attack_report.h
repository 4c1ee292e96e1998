/*
 * The table of attacks: for each what was expected, what was seen, and what the same attack did with its defence left
 * out, or why there was none to leave out. Tests fill it, the program prints it at its end.
 */
#ifndef NW_COMMON_TEST_ATTACK_ATTACK_REPORT_H
#define NW_COMMON_TEST_ATTACK_ATTACK_REPORT_H

#define ATTACK_SEEN 160

/* Begins a line, which counts as failed until it is judged. One of the same mode, row and name is made only once;
 * `mode` and `expected` must stay as they are. */
struct attack_line *attack_report_begin(const char *mode, int row, const char *name, const char *expected);

/* What was seen; fails the running test when that was not expected. `expected`: words that | separates; a * stands for
 * anything. */
void attack_report_seen(struct attack_line *line, const char *seen);

/* Says why the attack could not be tried. */
void attack_report_skip(struct attack_line *line, const char *why);

/* The attack will be tried without this defence; and what was seen then. */
void attack_report_will_leave_out(struct attack_line *line, const char *defence);
void attack_report_left_out(struct attack_line *line, const char *expected, const char *seen);

/* Why there is nothing to leave out, or why that shows nothing. Must stay as it is. */
void attack_report_not_left_out(struct attack_line *line, const char *why);

/* Writes the table by modes and rows, and how many passed. */
void attack_report_write(const char *path);

#endif
