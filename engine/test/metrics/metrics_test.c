/*
 * The text of metrics, as a whole in golden.txt beside this (an intended change: NW_GOLDEN=write runs of this test
 * write it), the table that it is made from, and the document.
 */
#include "common/test/test.h"
#include "engine/metrics/document.h"
#include "engine/metrics/metric.h"
#include "engine/metrics/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "engine/test/metrics/golden.txt"

static struct nw__host_sample host;
static struct nw__build_sample build;
static struct nw__worker_sample worker;
static struct nw__function_sample function, hostile;

/* Numbers that differ in each field. */
static void fill(struct nw__sample *sample, enum nw__metric_of of)
{
    for (size_t i = 0; i < nw__metrics_n; i++) {
        const struct nw__metric *metric = &nw__metrics[i];
        uint64_t *field = (uint64_t *)((char *)sample + metric->offset);
        bool histogram = metric->type == NW__HISTOGRAM || metric->type == NW__COARSE;
        for (unsigned k = 0; metric->of == of && k < (histogram ? NW_GRID_STEPS : nw__metric_width(metric)); k++)
            field[k] = (metric->unit == NW__NS && !histogram ? 1500000001u : 1) * (i + 1) + k;
    }
}

static void set_up(void)
{
    memset(&function, 0, sizeof function);
    memset(&hostile, 0, sizeof hostile);
    nw__text_label(&build.sample, "version", "1");
    nw__text_label(&build.sample, "mode", "mpk");
    nw__text_label(&worker.sample, "worker", "7");
    nw__text_label(&worker.sample, "tenant", "default");
    nw__text_label(&function.sample, "function", "hello");
    nw__text_label(&hostile.sample, "function", "a\"} 1\nb{c=\"\\");
    fill(&host.sample, NW__OF_HOST);
    fill(&build.sample, NW__OF_BUILD);
    fill(&worker.sample, NW__OF_WORKER);
    fill(&function.sample, NW__OF_FUNCTION);
    function.duration.sum_ns = 3000000000u;
    function.queue_wait.sum_ns = 10;
}

static struct nw_buffer whole_text(void)
{
    static const struct nw__sample *const samples[] = {&host.sample, &build.sample, &worker.sample, &function.sample,
                                                       &hostile.sample};
    static const enum nw__metric_of of[] = {NW__OF_HOST, NW__OF_BUILD, NW__OF_WORKER, NW__OF_FUNCTION, NW__OF_FUNCTION};
    struct nw_buffer text = {0};
    set_up();
    for (size_t i = 0; i < nw__metrics_n; i++) {
        assert_int_equal(nw__text_head(&text, &nw__metrics[i]), 0);
        for (size_t k = 0; k < sizeof of / sizeof of[0]; k++)
            if (of[k] == nw__metrics[i].of)
                assert_int_equal(nw__text_sample(&text, &nw__metrics[i], samples[k]), 0);
    }
    assert_int_equal(nw_buffer_append(&text, "", 1), 0);
    return text;
}

static char *file_text(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "re");
    assert_non_null(text);
    assert_non_null(file);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    fclose(file);
    return text;
}

static void the_text_is_as_it_was(void **state)
{
    struct nw_buffer text = whole_text();
    const char *write = getenv("NW_GOLDEN");
    (void)state;
    if (write && !strcmp(write, "write")) {
        FILE *file = fopen(GOLDEN, "we");
        assert_non_null(file);
        fputs(text.data, file);
        fclose(file);
    }
    char *golden = file_text(GOLDEN);
    assert_string_equal(text.data, golden);
    free(golden);
    nw_buffer_fini(&text);
}

/* A line is a comment, or a name, labels and a number. */
static void expect_line(const char *line)
{
    size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
    if (*line == '#')
        return;
    assert_true(name > 0);
    line += name;
    if (*line == '{') {
        bool quoted = false;
        for (line++; *line && (*line != '}' || quoted); line++) {
            if (*line == '\\')
                line++;
            else if (*line == '"')
                quoted = !quoted;
        }
        assert_int_equal(*line++, '}');
    }
    assert_int_equal(*line++, ' ');
    assert_true(isdigit((unsigned char)*line));
    assert_int_equal(line[strspn(line, "0123456789.")], '\n');
}

static void no_name_breaks_a_line(void **state)
{
    struct nw_buffer text = whole_text();
    struct nw__sample sample = {.labels = ""};
    char longest[4 * NW__LABELS_SIZE];
    (void)state;
    for (const char *at = text.data; *at; at = strchr(at, '\n') + 1)
        expect_line(at);
    nw_buffer_fini(&text);
    memset(longest, '"', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    nw__text_label(&sample, "function", longest);
    assert_in_range(strlen(sample.labels), 100, NW__LABELS_SIZE - 1);
    assert_int_equal(sample.labels[strlen(sample.labels) - 1], '"');
    assert_int_equal(strlen(sample.labels) % 2, strlen("function=\"\"") % 2); /* none is cut in two */
    nw__text_label(&sample, "more", "x");                                     /* for which there is no room */
    assert_null(strstr(sample.labels, "more"));
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && !strcmp(text + length - strlen(end), end);
}

/* As Prometheus would have them; promtool says more, where it is (engine/test/e2e/metrics.bats). */
static void names_are_by_the_conventions(void **state)
{
    (void)state;
    for (size_t i = 0; i < nw__metrics_n; i++) {
        const struct nw__metric *metric = &nw__metrics[i];
        assert_int_equal(strspn(metric->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(metric->name));
        assert_true(!strncmp(metric->name, "nightward_", 10) || !strncmp(metric->name, "process_", 8));
        assert_int_equal(ends_with(metric->name, "_total"), metric->type == NW__COUNTER);
        assert_int_equal(strstr(metric->name, "_seconds") != NULL, metric->unit == NW__NS);
        assert_true(ends_with(metric->help, ".") && !strchr(metric->help, '\n') && !strchr(metric->help, '\\'));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(metric->name, nw__metrics[k].name);
    }
}

static void the_document_is_current(void **state)
{
    char *made = NULL, *there = file_text("docs/reference/metrics.md");
    size_t length = 0;
    FILE *to = open_memstream(&made, &length);
    (void)state;
    nw_metrics_document(to);
    fclose(to);
    if (strcmp(made, there) != 0)
        fail_msg("docs/reference/metrics.md is stale: make docs/reference/metrics.md");
    free(made);
    free(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_as_it_was),
        cmocka_unit_test(no_name_breaks_a_line),
        cmocka_unit_test(names_are_by_the_conventions),
        cmocka_unit_test(the_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
