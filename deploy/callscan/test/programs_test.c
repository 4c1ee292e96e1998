/*
 * The analysis against the programs in programs/, each at every level of optimisation: what their comments expect
 * (program.h) is found, nothing else is, and no name that may be called is missing. Prints how many of both there were.
 */
#include "common/test/test.h"

#include "deploy/callscan/find/find.h"
#include "deploy/callscan/ir/module.h"
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS  "deploy/callscan/test/programs"
#define MOST      200 /* programs */
#define NAMES_MAX 8
#define SITES_MAX 8

struct expected {
    char kind; /* S, M or L */
    unsigned line;
    char names[NAMES_MAX][64];
    unsigned n_names;
    bool any;
    char input[64], length[64], output[64], weaker[64]; /* words with commas between; "" when nothing is said */
    bool found;
};

struct program {
    char file[64], name[64];
    struct expected expected[SITES_MAX];
    unsigned n_expected;
    bool leaves_allowed;
};

static const char *const levels[] = {"O0", "O1", "O2", "O3", "opaque"};

/* What came out, over all programs and levels. */
static struct {
    unsigned modules, expected, found, right, exact, weaker, wrong, allowed;
} sums;

static struct program programs[MOST];
static unsigned n_programs;

/* ---- what is expected ---- */

static char *trim(char *text)
{
    text += strspn(text, " ");
    for (size_t n = strlen(text); n > 0 && strchr(" \n", text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

static void read_names(struct expected *e, char *text)
{
    char *name;

    while ((name = strsep(&text, ",")) != NULL) {
        name = trim(name);
        if (strcmp(name, "?") == 0)
            e->any = true;
        else if (*name)
            snprintf(e->names[e->n_names++], sizeof e->names[0], "%s", name);
    }
}

static void read_field(struct expected *e, const char *text)
{
    static const char *const keys[] = {"input=", "length=", "output=", "weaker="};
    char *const places[] = {e->input, e->length, e->output, e->weaker};

    for (int i = 0; i < 4; i++)
        if (strncmp(text, keys[i], strlen(keys[i])) == 0) {
            snprintf(places[i], sizeof e->input, "%s", text + strlen(keys[i]));
            return;
        }
    fail_msg("unknown word: %s", text);
}

/* "SITE a, b; input=...; ...", of the next line that is no such comment. */
static void read_expectation(struct program *p, char *text)
{
    struct expected *e = &p->expected[p->n_expected++];
    char *end = strstr(text, "*/"), *part;

    assert_true(p->n_expected <= SITES_MAX);
    if (end)
        *end = '\0';
    *e = (struct expected){.kind = *text};
    part = strsep(&text, ";");
    part += strcspn(part, " \n");
    read_names(e, part);
    while ((part = strsep(&text, ";")) != NULL)
        read_field(e, trim(part));
}

static char *expectation_in(char *line)
{
    static const char *const words[] = {"SITE ", "MAYBE ", "LEAVES"};
    char *text = line + strspn(line, " ");

    if (strncmp(text, "/*", 2) != 0 && strncmp(text, "//", 2) != 0)
        return NULL;
    text = text + 2 + strspn(text + 2, " ");
    for (int i = 0; i < 3; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return text;
    return NULL;
}

static void read_program(struct program *p)
{
    char path[300], line[300];
    unsigned number = 0, n_placed = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%.63s", PROGRAMS, p->file);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *text = expectation_in(line);
        p->leaves_allowed |= strstr(line, "ALLOWED: leaves") != NULL;
        number++;
        if (text)
            read_expectation(p, text);
        for (; !text && n_placed < p->n_expected; n_placed++)
            p->expected[n_placed].line = number;
    }
    fclose(file);
}

/* ---- what is found ---- */

/* Whether each of the bits' words, or `none` where there is no bit, is among those allowed. */
static bool are_allowed(uint32_t bits, const char *(*text)(unsigned), const char *none, const char *allowed)
{
    char list[80], word[40];
    bool good = true;

    snprintf(list, sizeof list, ",%s,", allowed);
    for (unsigned i = 0; i < 32; i++)
        if (bits >> i & 1) {
            snprintf(word, sizeof word, ",%s,", text(i));
            good &= strstr(list, word) != NULL;
        }
    snprintf(word, sizeof word, ",%s,", none);
    return good && (bits || strstr(list, word));
}

/* "bounded 12" names the number, too. */
static bool is_length(const struct nw_site *site, const char *allowed)
{
    char words[64];
    const char *number = strchr(allowed, ' ');

    snprintf(words, sizeof words, "%s", allowed);
    if (number && number[1] >= '0' && number[1] <= '9') {
        words[number - allowed] = '\0';
        if (site->length_max != strtoull(number, NULL, 10))
            return false;
    }
    return are_allowed(site->length, nw_site_length_text, "", words);
}

static bool has_name(const struct nw_site *site, const char *name)
{
    for (uint32_t i = 0; i < site->n_names; i++)
        if (strcmp(site->names[i], name) == 0)
            return true;
    return false;
}

static void judge_names(const struct expected *e, const struct nw_site *site, const char *where, const char *level)
{
    unsigned common = 0;
    bool may_be_weaker = strstr(e->weaker, level) || strcmp(e->weaker, "all") == 0;

    for (unsigned i = 0; i < e->n_names; i++)
        common += has_name(site, e->names[i]);
    if (common == e->n_names && site->n_names <= e->n_names + e->any && site->any_name == e->any) {
        sums.exact++;
    } else if (site->any_name || (common == e->n_names && !e->any)) {
        sums.weaker++;
        if (!may_be_weaker)
            fail_msg("%s: less is known of the names than should be", where);
    } else {
        sums.wrong++;
        fail_msg("%s: a name is missing", where);
    }
}

static void judge(struct program *p, const struct nw_site *site, const char *level)
{
    static const char kinds[] = {[NW_SITE_CALL] = 'S', [NW_SITE_MAYBE] = 'M', [NW_SITE_LEAVES] = 'L'};
    char where[128];

    snprintf(where, sizeof where, "%s:%u at %s", p->file, site->line, level);
    for (unsigned i = 0; i < p->n_expected; i++) {
        struct expected *e = &p->expected[i];
        if (e->line != site->line || e->kind != kinds[site->kind] || e->found || !strstr(site->file, p->file))
            continue;
        e->found = true;
        sums.right++;
        if (e->kind == 'L')
            return;
        judge_names(e, site, where, level);
        if (*e->input && !are_allowed(site->input, nw_site_from_text, "", e->input) && !*e->weaker)
            fail_msg("%s: the input is not %s", where, e->input);
        if (*e->length && !is_length(site, e->length) && !*e->weaker)
            fail_msg("%s: the length is not %s", where, e->length);
        if (*e->output && !are_allowed(site->output, nw_site_fate_text, "ignored", e->output))
            fail_msg("%s: the output is not %s", where, e->output);
        return;
    }
    if (site->kind == NW_SITE_LEAVES && p->leaves_allowed)
        sums.allowed++;
    else
        fail_msg("%s: %s in %s is not expected", where, nw_site_kind_text(site->kind), site->file);
}

static void read_file(const char *path, struct nw_buffer *to)
{
    FILE *file = fopen(path, "re");
    char piece[4096];
    size_t n;

    if (!file)
        fail_msg("%s is not there", path);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        assert_int_equal(nw_buffer_append(to, piece, n), 0);
    fclose(file);
}

static void scan(struct program *p, const char *level)
{
    LLVMContextRef context = LLVMContextCreate();
    const char *build = getenv("NW_BUILD");
    struct nw_buffer bytes = {0};
    char path[512], why[1024] = "";

    snprintf(path, sizeof path, "%s/obj/callscan/%s.%s.bc", build ? build : "build", p->name, level);
    read_file(path, &bytes);
    LLVMModuleRef module = nw_module_read(context, path, bytes.data, bytes.length, why, sizeof why);
    if (!module || nw_module_prepare(module, nw_find_keeps, why, sizeof why) < 0)
        fail_msg("%s: %s", path, why);
    struct nw_found *found = nw_find(module);
    const struct nw_sites *sites = nw_found_sites(found);
    assert_true(sites->complete);
    sums.modules++;
    sums.found += sites->n_sites;
    sums.expected += p->n_expected;
    for (uint32_t i = 0; i < sites->n_sites; i++)
        judge(p, &sites->sites[i], level);
    nw_found_free(found);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    nw_buffer_fini(&bytes);
    for (unsigned i = 0; i < p->n_expected; i++) {
        if (!p->expected[i].found)
            fail_msg("%s:%u at %s: the site is not found", p->file, p->expected[i].line, level);
        p->expected[i].found = false;
    }
}

static void program_is_understood(void **state)
{
    struct program *p = *state;

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        scan(p, levels[i]);
}

/* ---- all of them ---- */

static int is_program(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".cc") == 0);
}

static void list_programs(void)
{
    struct dirent **entries;
    int n = scandir(PROGRAMS, &entries, is_program, alphasort);

    for (int i = 0; i < n && i < MOST; i++) {
        struct program *p = &programs[n_programs++];
        snprintf(p->file, sizeof p->file, "%.60s", entries[i]->d_name);
        snprintf(p->name, sizeof p->name, "%.*s", (int)strcspn(entries[i]->d_name, "."), entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

static void enough_programs(void **state)
{
    unsigned negative = 0;

    (void)state;
    for (unsigned i = 0; i < n_programs; i++)
        negative += strncmp(programs[i].name, "not_", 4) == 0;
    assert_true(n_programs >= 60);
    assert_true(negative >= 12);
}

static int show_sums(void **state)
{
    (void)state;
    print_message("# %u modules of %u programs: %u sites expected, %u found, %u right (precision %.3f, recall %.3f)\n",
                  sums.modules, n_programs, sums.expected, sums.found, sums.right,
                  sums.found ? (double)sums.right / sums.found : 0,
                  sums.expected ? (double)sums.right / sums.expected : 0);
    print_message("# names: exactly the right ones %u, with \"unknown\" or more besides %u, one missing %u\n",
                  sums.exact, sums.weaker, sums.wrong);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[MOST + 1] = {{.name = "there are enough programs", .test_func = enough_programs}};

    list_programs();
    for (unsigned i = 0; i < n_programs; i++) {
        read_program(&programs[i]);
        tests[i + 1] = (struct CMUnitTest){
            .name = programs[i].file, .test_func = program_is_understood, .initial_state = &programs[i]};
    }
    return _cmocka_run_group_tests("programs", tests, n_programs + 1, NULL, show_sums);
}
