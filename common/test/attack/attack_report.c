/* See attack_report.h. */
#include "common/test/attack/attack_report.h"
#include "common/test/test.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 2048

enum outcome { FAILED, PASSED, SKIPPED };

struct attack_line {
    const char *mode, *name, *expected;
    int row;
    size_t order;
    char seen[ATTACK_SEEN];
    enum outcome outcome;
    const char *defence; /* to be left out, or NULL */
    const char *why_not;
    char left_out[ATTACK_SEEN];
    enum outcome left_out_outcome;
};

static struct attack_line lines[LINES_MAX];
static size_t n_lines;

struct attack_line *attack_report_begin(const char *mode, int row, const char *name, const char *expected)
{
    struct attack_line *line = lines;

    while (line < lines + n_lines && (line->row != row || line->mode != mode || strcmp(line->name, name) != 0))
        line++;
    if (line < lines + n_lines)
        return line;
    assert_true(n_lines < LINES_MAX);
    *line =
        (struct attack_line){.mode = mode, .row = row, .name = strdup(name), .expected = expected, .seen = "nothing"};
    line->order = n_lines;
    n_lines++;
    return line;
}

static bool matches(const char *expected, const char *seen)
{
    char words[512];
    char *rest = words;

    snprintf(words, sizeof(words), "%s", expected);
    for (char *word; (word = strsep(&rest, "|"));)
        if (fnmatch(word, seen, 0) == 0)
            return true;
    return false;
}

static void judge(const struct attack_line *line, const char *how, const char *expected, const char *seen,
                  enum outcome *outcome)
{
    *outcome = matches(expected, seen) ? PASSED : FAILED;
    if (*outcome == FAILED)
        fail_msg("%s%s: expected %s, saw %s", line->name, how, expected, seen);
}

void attack_report_seen(struct attack_line *line, const char *seen)
{
    snprintf(line->seen, sizeof(line->seen), "%s", seen);
    judge(line, "", line->expected, seen, &line->outcome);
}

void attack_report_skip(struct attack_line *line, const char *why)
{
    snprintf(line->seen, sizeof(line->seen), "skipped: %s", why);
    line->outcome = SKIPPED;
}

void attack_report_will_leave_out(struct attack_line *line, const char *defence)
{
    line->defence = defence;
    snprintf(line->left_out, sizeof(line->left_out), "nothing");
}

void attack_report_left_out(struct attack_line *line, const char *expected, const char *seen)
{
    snprintf(line->left_out, sizeof(line->left_out), "%s", seen);
    judge(line, " with its defence left out", expected, seen, &line->left_out_outcome);
}

void attack_report_not_left_out(struct attack_line *line, const char *why)
{
    line->why_not = why;
}

static int by_mode_and_row(const void *a, const void *b)
{
    const struct attack_line *x = a, *y = b;
    int modes = strcmp(x->mode, y->mode);

    return modes ? modes : x->row != y->row ? x->row - y->row : x->order < y->order ? -1 : 1;
}

static enum outcome outcome_of(const struct attack_line *line)
{
    return line->defence && line->left_out_outcome == FAILED ? FAILED : line->outcome;
}

void attack_report_write(const char *path)
{
    FILE *to = fopen(path, "w");
    unsigned count[3] = {0};

    if (!to) {
        fprintf(stderr, "cannot write the table of attacks to %s: %s\n", path, strerror(errno));
        exit(111);
    }
    qsort(lines, n_lines, sizeof(lines[0]), by_mode_and_row);
    fprintf(to, "%-4s  %-8s %3s  %-70s  %-24s  %-44s  %s\n", "", "mode", "row", "attack", "expected", "seen",
            "with its defence left out");
    for (const struct attack_line *l = lines; l < lines + n_lines; l++) {
        static const char *const words[] = {[FAILED] = "FAIL", [PASSED] = "ok", [SKIPPED] = "skip"};

        count[outcome_of(l)]++;
        fprintf(to, "%-4s  %-8s %3d  %-70s  %-24s  %-44s  %s%s%s\n", words[outcome_of(l)], l->mode, l->row, l->name,
                l->expected, l->seen, l->defence ? l->defence : "-", l->defence || l->why_not ? ": " : "",
                l->defence   ? l->left_out
                : l->why_not ? l->why_not
                             : "");
    }
    fprintf(to, "%u passed, %u failed, %u skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
    fclose(to);
}
