/* What is read of /metrics, and what comes of two looks at it. */
#include "common/test/test.h"
#include "deploy/top/figures.h"
#include <string.h>

#define REQUESTS(name, ok, error, cancelled)                                                 \
    "nightward_function_requests_total{function=\"" name "\",outcome=\"ok\"} " ok "\n"       \
    "nightward_function_requests_total{function=\"" name "\",outcome=\"crash\"} " error "\n" \
    "nightward_function_requests_total{function=\"" name "\",outcome=\"cancelled\"} " cancelled "\n"
#define TIMES(name, c1, c2, c3)                                                             \
    "nightward_function_duration_seconds_bucket{function=\"" name "\",le=\"0.5\"} " c1 "\n" \
    "nightward_function_duration_seconds_bucket{function=\"" name "\",le=\"1\"} " c2 "\n"   \
    "nightward_function_duration_seconds_bucket{function=\"" name "\",le=\"+Inf\"} " c3 "\n"

static struct nw_figures read_text(const char *text)
{
    struct nw_figures figures;
    assert_true(nw_figures_read(&figures, text));
    return figures;
}

static void labels_are_read_whatever_is_in_them(void **state)
{
    const char *text = "# HELP a b\n\nno value\n=\nx{a=\"1\" 2\na_b{c=\"}\\\"\\\\\",d=\"e\"} 0.25\nplain 7\nbad x\n";
    char value[NW__LABEL_SIZE];
    struct nw__series series;
    (void)state;
    assert_true(nw__series_next(&text, &series));
    assert_true(nw__series_is(&series, "a_b"));
    assert_false(nw__series_is(&series, "a_"));
    assert_true(series.value == 0.25);
    assert_true(nw__series_label(&series, "c", value));
    assert_string_equal(value, "}\"\\");
    assert_true(nw__series_label(&series, "d", value));
    assert_string_equal(value, "e");
    assert_false(nw__series_label(&series, "e", value));
    assert_true(nw__series_next(&text, &series));
    assert_true(nw__series_is(&series, "plain") && series.value == 7);
    assert_false(nw__series_label(&series, "c", value));
    assert_false(nw__series_next(&text, &series));
}

static void rates_are_what_has_happened_between_two_looks(void **state)
{
    struct nw_figures before = read_text(REQUESTS("a", "10", "1", "5") REQUESTS("gone", "9", "0", "0")
                                             TIMES("a", "4", "8", "8") TIMES("gone", "9", "9", "9"));
    struct nw_figures now = read_text(REQUESTS("a", "14", "3", "9") REQUESTS("b", "40", "0", "0") TIMES(
        "a", "4", "12", "12") TIMES("b", "30", "40", "40") TIMES("unknown", "1", "1", "1"));
    (void)state;
    nw_figures_between(&now, &before, 2);
    assert_int_equal(now.n, 2);
    assert_string_equal(now.functions[0].name, "b"); /* the busiest */
    assert_true(now.functions[0].requests == 20);
    assert_string_equal(now.functions[1].name, "a");
    assert_true(now.functions[1].requests == 3); /* without those that were cancelled */
    assert_true(now.functions[1].errors == 1);
    assert_true(nw_figures_quantile(&now.functions[1], 0.5) == 0.75); /* all of them within the second step */
    nw_figures_free(&now);
    nw_figures_free(&before);
}

static void what_began_anew_counts_from_there(void **state)
{
    struct nw_figures before = read_text(REQUESTS("a", "100", "0", "0") TIMES("a", "50", "100", "100"));
    struct nw_figures now = read_text(REQUESTS("a", "2", "0", "0") TIMES("a", "2", "2", "2"));
    (void)state;
    nw_figures_between(&now, &before, 1);
    assert_true(now.functions[0].requests == 2);
    assert_true(nw_figures_quantile(&now.functions[0], 0.99) < 0.5);
    nw_figures_free(&now);
    nw_figures_free(&before);
}

static void a_quantile_lies_within_its_step(void **state)
{
    struct nw_function_figures f = {.n_steps = 3, .bounds = {1, 2, __builtin_inf()}, .counts = {50, 99, 100}};
    (void)state;
    assert_true(nw_figures_quantile(&f, 0.25) == 0.5);
    assert_true(nw_figures_quantile(&f, 0.5) == 1);
    assert_true(nw_figures_quantile(&f, 0.99) == 2);
    assert_true(nw_figures_quantile(&f, 0.999) == 2); /* behind the last bound */
    f.counts[0] = f.counts[1] = f.counts[2] = 0;
    assert_true(nw_figures_quantile(&f, 0.5) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_read_whatever_is_in_them),
        cmocka_unit_test(rates_are_what_has_happened_between_two_looks),
        cmocka_unit_test(what_began_anew_counts_from_there),
        cmocka_unit_test(a_quantile_lies_within_its_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
