/*
 * See text.h. A scrape of many functions is some ten thousands of lines, so that lines are put together without printf:
 * room is made for all lines of a sample at a time, and each is a few copies into it.
 */
#include "engine/metrics/text.h"
#include <stdio.h>
#include <string.h>

#define NUMBER_MOST 32                                         /* of a value, its blank and its newline */
#define LINE_MOST   (128 + NW__LABELS_SIZE + NUMBER_MOST + 64) /* name, labels, value, one more label */
#define QUICK       96                                         /* bytes that most lines begin with no more than */
#define LINES_MOST  (NW_GRID_STEPS + 2 + NW_RESOURCE_COUNT)    /* of one sample of one metric */

static char *put_bytes(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

static char *put(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

static char *put_number(char *at, uint64_t n)
{
    char digits[20];
    if (n < 10) { /* as most are */
        *at = (char)('0' + n);
        return at + 1;
    }
    unsigned i = sizeof digits;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    memcpy(at, digits + i, sizeof digits - i);
    return at + sizeof digits - i;
}

/* Of ns, without zeros at the end. */
static char *put_seconds(char *at, uint64_t ns)
{
    uint64_t rest = ns % 1000000000u;
    at = put_number(at, ns / 1000000000u);
    if (!rest)
        return at;
    *at++ = '.';
    for (uint64_t digit = 100000000u; rest; rest %= digit, digit /= 10)
        *at++ = (char)('0' + rest / digit);
    return at;
}

/* What the lines of a sample begin with: the name, and its labels without the brace that ends them. */
struct beginning {
    char text[LINE_MOST];
    size_t length;
    bool labelled; /* it has some */
};

/* `label` NULL: there is none beside those of the sample. Else its value and a quote come next. */
static void begin_lines(struct beginning *begin, const struct nw__metric *metric, const char *suffix,
                        const struct nw__sample *sample, const char *label)
{
    char *at = put(put_bytes(begin->text, metric->name, metric->name_length), suffix);
    begin->labelled = sample->length || label;
    if (begin->labelled)
        *at++ = '{';
    at = put_bytes(at, sample->labels, sample->length);
    if (sample->length && label)
        *at++ = ',';
    if (label)
        at = put(put(at, label), "=\"");
    begin->length = (size_t)(at - begin->text);
}

/* Copies `length` bytes, and perhaps more than these, up to `most`, for which there is room: no call where a few
 * instructions do. */
static inline __attribute__((always_inline)) char *put_quick(char *at, const char *bytes, size_t length, size_t most)
{
    if (length <= most)
        memcpy(at, bytes, most);
    else
        memcpy(at, bytes, length);
    return at + length;
}

/* A line up to its number. `value` NULL: there is no label beside those of the sample. */
static char *put_beginning(char *at, const struct beginning *begin, const char *value)
{
    at = put_quick(at, begin->text, begin->length, QUICK);
    if (value) {
        at = put(at, value);
        *at++ = '"';
    }
    if (begin->labelled)
        *at++ = '}';
    *at++ = ' ';
    return at;
}

static char *put_value(char *at, enum nw__metric_unit unit, uint64_t value)
{
    at = unit == NW__NS ? put_seconds(at, value) : put_number(at, value);
    *at++ = '\n';
    return at;
}

/* The bound of a step as text, with what is between it and the number. */
struct bound {
    char text[16];
    size_t length; /* 0: nobody has asked for it yet */
};

static const struct bound *bound_of(unsigned step)
{
    static struct bound bounds[NW_GRID_STEPS];
    struct bound *bound = &bounds[step];
    if (bound->length)
        return bound;
    char *end = step == NW_GRID_BOUNDS ? put(bound->text, "+Inf") : put_seconds(bound->text, nw_grid_bounds[step]);
    bound->length = (size_t)(put(end, "\"} ") - bound->text);
    return bound;
}

static bool is_empty(const struct nw_histogram *histogram)
{
    uint64_t any = 0;
    for (unsigned step = 0; step < NW_GRID_STEPS; step++)
        any |= histogram->counts[step];
    return !any;
}

static char *put_histogram(char *at, const struct nw__metric *metric, const struct nw__sample *sample)
{
    const struct nw_histogram *histogram = (const void *)((const char *)sample + metric->offset);
    struct beginning begin;
    uint64_t sum = 0;
    if (is_empty(histogram))
        return at;
    begin_lines(&begin, metric, "_bucket", sample, "le");
    for (unsigned step = 0; step < NW_GRID_STEPS; step++) {
        const struct bound *bound = bound_of(step);
        sum += histogram->counts[step];
        if (metric->type == NW__COARSE && step % 3 && step < NW_GRID_BOUNDS)
            continue;
        at = put_quick(at, begin.text, begin.length, QUICK);
        at = put_quick(at, bound->text, bound->length, sizeof bound->text);
        at = put_value(at, NW__ONE, sum);
    }
    begin_lines(&begin, metric, "_sum", sample, NULL);
    at = put_value(put_beginning(at, &begin, NULL), metric->unit, histogram->sum_ns);
    begin_lines(&begin, metric, "_count", sample, NULL);
    return put_value(put_beginning(at, &begin, NULL), NW__ONE, sum);
}

static char *put_values(char *at, const struct nw__metric *metric, const struct nw__sample *sample)
{
    const uint64_t *values = (const void *)((const char *)sample + metric->offset);
    const char *label = nw__metric_label(metric);
    struct beginning begin;
    begin_lines(&begin, metric, "", sample, label);
    if (!label)
        return put_value(put_beginning(at, &begin, NULL), metric->unit, *values);
    for (unsigned i = 0; i < nw__metric_width(metric); i++)
        if (nw__metric_shows(metric, i))
            at = put_value(put_beginning(at, &begin, nw__metric_word(metric, i)), metric->unit, values[i]);
    return at;
}

int nw__text_head(struct nw_buffer *text, const struct nw__metric *metric)
{
    static const char *const types[] = {
        [NW__COUNTER] = "counter", [NW__GAUGE] = "gauge", [NW__HISTOGRAM] = "histogram", [NW__COARSE] = "histogram"};
    return nw_buffer_printf(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                            types[metric->type]);
}

int nw__text_sample(struct nw_buffer *text, const struct nw__metric *metric, const struct nw__sample *sample)
{
    int rc = nw_buffer_reserve(text, (size_t)LINES_MOST * LINE_MOST);
    if (rc < 0)
        return rc;
    char *begin = text->data + text->length;
    bool histogram = metric->type == NW__HISTOGRAM || metric->type == NW__COARSE;
    const char *end = histogram ? put_histogram(begin, metric, sample) : put_values(begin, metric, sample);
    text->length += (size_t)(end - begin);
    return 0;
}

void nw__text_label(struct nw__sample *sample, const char *label, const char *value)
{
    char *at = sample->labels + sample->length, *end = sample->labels + NW__LABELS_SIZE - 4;
    if (at + strlen(label) + 4 > end)
        return;
    if (at > sample->labels)
        *at++ = ',';
    at = put(put(at, label), "=\"");
    for (; *value && at < end; value++) {
        if (strchr("\\\"\n", *value))
            *at++ = '\\';
        *at++ = *value == '\n' ? 'n' : *value;
    }
    strcpy(at, "\"");
    sample->length = (size_t)(at + 1 - sample->labels);
}
