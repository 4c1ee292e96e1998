/* Call sites as bytes: what is written is read again, and whatever is wrong with the bytes is said. */
#include "common/test/test.h"

#include "common/sites/format.h"
#include "common/sites/sites.h"
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *names[] = {"bar", "foo"};

static struct nw_site two[] = {
    {.file = "a.c",
     .function = "faas_func_call",
     .line = 7,
     .column = 3,
     .names = names,
     .n_names = 2,
     .input = NW_FROM(OWN_INPUT),
     .length = NW_LENGTH(BOUNDED),
     .length_max = 255,
     .output = NW_FATE(APPENDED)},
    {.file = "", .function = "helper", .kind = NW_SITE_MAYBE, .any_name = true, .input = NW_FROM(UNKNOWN)},
};

static const struct nw_sites some = {.sites = two, .n_sites = 2, .whole = true, .complete = true};

static void encode(struct nw_buffer *bytes)
{
    *bytes = (struct nw_buffer){0};
    assert_int_equal(nw_sites_encode(&some, bytes), 0);
    assert_int_equal(bytes->length % 8, 0);
}

static void comes_back(void **state)
{
    struct nw_buffer bytes;
    struct nw_sites sites;
    char why[64];

    (void)state;
    encode(&bytes);
    assert_int_equal(nw_sites_decode(bytes.data, bytes.length, &sites, why, sizeof why), 0);
    assert_int_equal(sites.n_sites, 2);
    assert_true(sites.whole && sites.complete);
    assert_string_equal(sites.sites[0].file, "a.c");
    assert_string_equal(sites.sites[0].function, "faas_func_call");
    assert_int_equal(sites.sites[0].line, 7);
    assert_int_equal(sites.sites[0].n_names, 2);
    assert_string_equal(sites.sites[0].names[1], "foo");
    assert_int_equal(sites.sites[0].length_max, 255);
    assert_int_equal(sites.sites[0].output, NW_FATE(APPENDED));
    assert_int_equal(sites.sites[1].kind, NW_SITE_MAYBE);
    assert_true(sites.sites[1].any_name);
    assert_false(nw_sites_are_known(&sites));
    sites.n_sites = 1;
    assert_true(nw_sites_are_known(&sites));
    nw_sites_fini(&sites);
    nw_buffer_fini(&bytes);
}

/* As a linker puts the sections of two objects together, with zeros between. */
static void records_add_up(void **state)
{
    struct nw_buffer bytes, both = {0};
    struct nw_sites sites;
    char why[64];

    (void)state;
    encode(&bytes);
    nw_buffer_append(&both, bytes.data, bytes.length);
    nw_buffer_append(&both, "\0\0\0\0\0\0\0\0", 8);
    bytes.data[offsetof(struct nw__sites_header, flags)] = 0;
    nw_buffer_append(&both, bytes.data, bytes.length);
    assert_int_equal(nw_sites_decode(both.data, both.length, &sites, why, sizeof why), 0);
    assert_int_equal(sites.n_sites, 4);
    assert_string_equal(sites.sites[2].names[0], "bar");
    assert_true(sites.whole);     /* one has the entries */
    assert_false(sites.complete); /* but one met a limit */
    nw_sites_fini(&sites);
    nw_buffer_fini(&both);
    nw_buffer_fini(&bytes);
}

static void nothing_is_nothing(void **state)
{
    struct nw_sites sites;
    char why[64];

    (void)state;
    assert_int_equal(nw_sites_decode("", 0, &sites, why, sizeof why), 0);
    assert_int_equal(sites.n_sites, 0);
    nw_sites_fini(&sites);
}

/* Puts a number at a place of a good record, which is refused then for the reason. */
static void refuses(size_t place, uint32_t number, const char *reason)
{
    struct nw_buffer bytes;
    struct nw_sites sites;
    char why[64] = "";

    encode(&bytes);
    memcpy(bytes.data + place, &number, sizeof number);
    assert_int_equal(nw_sites_decode(bytes.data, bytes.length, &sites, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, reason));
    nw_buffer_fini(&bytes);
}

#define HEADER(field) offsetof(struct nw__sites_header, field)
#define SITE(field)   (sizeof(struct nw__sites_header) + offsetof(struct nw__sites_site, field))
#define NAMES         (sizeof(struct nw__sites_header) + 2 * sizeof(struct nw__sites_site))

static void every_number_is_checked(void **state)
{
    (void)state;
    refuses(HEADER(magic), 1, "NWCALLS");
    refuses(HEADER(version), 2, "version");
    refuses(HEADER(size), 1 << 20, "cut short");
    refuses(HEADER(size), 36, "cut short");
    refuses(HEADER(size), 0, "cut short");
    refuses(HEADER(flags), 4, "flags");
    refuses(HEADER(n_sites), 3, "add up");
    refuses(HEADER(n_sites), UINT32_MAX, "too many");
    refuses(HEADER(n_names), UINT32_MAX, "too many");
    refuses(HEADER(text_size), UINT32_MAX, "add up");
    refuses(HEADER(text_size), 0, "add up");
    refuses(SITE(file), 1 << 20, "outside");
    refuses(SITE(function), UINT32_MAX, "outside");
    refuses(SITE(kind), NW_SITE_KINDS, "kind");
    refuses(SITE(any_name), 2, "kind");
    refuses(SITE(zero), 1, "kind");
    refuses(SITE(first_name), 1, "names of a site");
    refuses(SITE(first_name), UINT32_MAX, "names of a site");
    refuses(SITE(n_names), NW_SITE_NAMES_MAX + 1, "names of a site");
    refuses(SITE(input), 1u << NW_FROM_BITS, "not known");
    refuses(SITE(length), 1u << NW_LENGTH_BITS, "not known");
    refuses(SITE(output), 1u << NW_FATE_BITS, "not known");
    refuses(NAMES, 1 << 20, "name");
    refuses(NAMES, 0, "name"); /* the empty text */
}

static void cut_short(void **state)
{
    struct nw_buffer bytes;
    struct nw_sites sites;
    char why[64];

    (void)state;
    encode(&bytes);
    for (size_t size = 1; size < bytes.length; size++) {
        assert_int_equal(nw_sites_decode(bytes.data, size, &sites, why, sizeof why), -EINVAL);
        assert_true(*why);
    }
    /* The last text does not end. */
    for (size_t at = bytes.length; at > 0 && bytes.data[at - 1] == '\0'; at--)
        bytes.data[at - 1] = 'x';
    assert_int_equal(nw_sites_decode(bytes.data, bytes.length, &sites, why, sizeof why), -EINVAL);
    nw_buffer_fini(&bytes);
}

static void limits_hold(void **state)
{
    struct nw_sites many = {.n_sites = NW_SITES_MAX + 1};
    struct nw_buffer bytes = {0};
    struct nw_sites sites;
    char why[64], *large = calloc(1, NW_SITES_SIZE_MAX + 1);

    (void)state;
    assert_non_null(large);
    assert_int_equal(nw_sites_encode(&many, &bytes), -E2BIG);
    assert_int_equal(nw_sites_decode(large, NW_SITES_SIZE_MAX + 1, &sites, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "larger"));
    free(large);
    nw_buffer_fini(&bytes);
}

/* An object file as small as it can be: its header, the names of sections, the record, and three headers of sections.
 */
struct object {
    Elf64_Ehdr head;
    char names[40];
    char record[512];
    Elf64_Shdr sections[3];
};

static struct object object_of(const struct nw_buffer *record)
{
    struct object o = {.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
                                .e_shoff = offsetof(struct object, sections),
                                .e_shentsize = sizeof(Elf64_Shdr),
                                .e_shnum = 3,
                                .e_shstrndx = 1},
                       .names = "\0.shstrtab\0.nightward.calls"};

    assert_in_range(record->length, 1, sizeof o.record);
    memcpy(o.record, record->data, record->length);
    o.sections[1] = (Elf64_Shdr){
        .sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = offsetof(struct object, names), .sh_size = sizeof o.names};
    o.sections[2] = (Elf64_Shdr){.sh_name = 11,
                                 .sh_type = SHT_PROGBITS,
                                 .sh_offset = offsetof(struct object, record),
                                 .sh_size = record->length};
    return o;
}

static int read_object(const struct object *o, char why[200])
{
    struct nw_sites sites;
    int rc = nw_sites_read(o, sizeof *o, &sites, why, 200);

    if (rc == 1) {
        assert_int_equal(sites.n_sites, 2);
        nw_sites_fini(&sites);
    }
    return rc;
}

static void the_section_is_found(void **state)
{
    struct nw_buffer record;
    struct nw_sites sites;
    char why[200];

    (void)state;
    encode(&record);
    const struct object o = object_of(&record);
    assert_int_equal(read_object(&o, why), 1);
    for (size_t size = 0; size < sizeof o; size++) /* a file that is cut has no headers of sections */
        assert_int_equal(nw_sites_read(&o, size, &sites, why, sizeof why), 0);
    nw_buffer_fini(&record);
}

/* Changes a number of the object with the section: what comes of it. */
#define WITH(field, value)                     \
    ({                                         \
        struct object o_ = object_of(&record); \
        o_.field = (value);                    \
        read_object(&o_, why);                 \
    })

static void a_file_without_the_section_has_none(void **state)
{
    struct nw_buffer record;
    char why[200];

    (void)state;
    encode(&record);
    assert_int_equal(WITH(head.e_ident[0], 0), 0);
    assert_int_equal(WITH(head.e_ident[EI_CLASS], ELFCLASS32), 0);
    assert_int_equal(WITH(head.e_ident[EI_DATA], ELFDATA2MSB), 0);
    assert_int_equal(WITH(head.e_shentsize, 1), 0);
    assert_int_equal(WITH(head.e_shoff, UINT64_MAX - 8), 0);
    assert_int_equal(WITH(head.e_shnum, 4), 0);
    assert_int_equal(WITH(head.e_shnum, 0), 0);
    assert_int_equal(WITH(head.e_shstrndx, 3), 0);
    assert_int_equal(WITH(sections[1].sh_type, SHT_NULL), 0);
    assert_int_equal(WITH(sections[1].sh_offset, UINT64_MAX), 0);
    assert_int_equal(WITH(sections[1].sh_size, UINT64_MAX), 0);
    assert_int_equal(WITH(sections[1].sh_size, 20), 0);
    assert_int_equal(WITH(sections[2].sh_name, UINT32_MAX), 0);
    nw_buffer_fini(&record);
}

static void a_damaged_section_is_refused(void **state)
{
    struct nw_buffer record;
    char why[200];

    (void)state;
    encode(&record);
    assert_int_equal(WITH(sections[2].sh_type, SHT_NOBITS), -EINVAL);
    assert_non_null(strstr(why, "outside the file"));
    assert_int_equal(WITH(sections[2].sh_offset, UINT64_MAX), -EINVAL);
    assert_int_equal(WITH(sections[2].sh_size, UINT64_MAX), -EINVAL);
    assert_non_null(strstr(why, "outside the file"));
    assert_int_equal(WITH(sections[2].sh_flags, SHF_COMPRESSED), -EINVAL);
    assert_non_null(strstr(why, "compressed"));
    assert_int_equal(WITH(record[0], 'x'), -EINVAL);
    assert_non_null(strstr(why, ".nightward.calls is damaged: a record does not begin with NWCALLS"));
    nw_buffer_fini(&record);
}

#define MANY 704u /* names, of which not all fit */

/* As many sites as there may be, each with as many names, which are few: millions of them are looked at. */
static void each_name_is_found_once(void **state)
{
    static struct nw_site sites[NW_SITES_MAX];
    static char text[MANY][3];
    const char *all[MANY];
    char found[NW_CALLS_TEXT];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        memcpy(text[i], (const char[]){(char)('a' + i % 26), (char)('a' + i / 26), '\0'}, sizeof text[i]);
        all[i] = text[i];
    }
    for (unsigned i = 0; i < NW_SITES_MAX; i++)
        sites[i] = (struct nw_site){.file = "",
                                    .function = "f",
                                    .names = &all[i % (MANY / NW_SITE_NAMES_MAX) * NW_SITE_NAMES_MAX],
                                    .n_names = NW_SITE_NAMES_MAX};
    const struct nw_sites full = {.sites = sites, .n_sites = NW_SITES_MAX, .complete = true};
    nw_sites_found(&full, found);
    assert_memory_equal(found, "aa,ba,ca,", 9);
    assert_string_equal(found + strlen(found) - 2, ",*");
    assert_true(strlen(found) > NW_CALLS_TEXT - 8);
    for (unsigned i = 0; i < MANY; i++) {
        const char *first = strstr(found, all[i]);
        assert_true(!first || !strstr(first + 1, all[i]));
    }
    const struct nw_sites few = {.sites = sites, .n_sites = 1, .complete = true};
    nw_sites_found(&few, found);
    assert_int_equal(strlen(found), NW_SITE_NAMES_MAX * 3 - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(records_add_up),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(every_number_is_checked),
        cmocka_unit_test(the_section_is_found),
        cmocka_unit_test(a_file_without_the_section_has_none),
        cmocka_unit_test(a_damaged_section_is_refused),
        cmocka_unit_test(each_name_is_found_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
