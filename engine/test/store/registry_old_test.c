/* Registries of earlier versions: databases without a seal, and journals. */
#include "common/base/buffer.h"
#include "engine/test/store/registry_help.h"
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

/* --- databases without a seal --- */

/* The two functions as such a version kept them, with that checksum. */
static void make_old(const char *name, const char *sum)
{
    static const char functions[] =
        "CREATE TABLE functions (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, manifest TEXT NOT NULL) WITHOUT ROWID;";
    sqlite3 *db;
    char text[1024];
    make_two();
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    nw_registry_close(registry);
    remove_file("registry");
    remove_file("registry.backup");
    assert_int_equal(sqlite3_open(path_in(name), &db), SQLITE_OK);
    sql(db, functions);
    for (int i = 0; i < rows.n; i++) {
        snprintf(text, sizeof text,
                 "INSERT INTO functions VALUES ('%s', '%s', '{\"name\":\"%s\",\"slots\":%u,\"env\":{\"KEY\":\"a "
                 "\\\"value\\\"\"}}')",
                 rows.row[i].name, rows.row[i].sha256, rows.row[i].name, rows.row[i].slots);
        sql(db, text);
    }
    if (sum) {
        sql(db, "CREATE TABLE code (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;"
                "CREATE TABLE checksum (one INTEGER PRIMARY KEY, sum TEXT NOT NULL);"
                "INSERT INTO code SELECT sha256 FROM functions");
        snprintf(text, sizeof text, "INSERT INTO checksum VALUES (1, '%s')", sum);
        sql(db, text);
    }
    sqlite3_close(db);
}

/* Of those rows and tables, as the version that made them computed it. */
static const char checksum[] = "7a75339f6e7718afd4a395a287e9cc588123c71420ae33f8c8fc932d47b86951";

static void takes_over_an_old_registry(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        make_old("registry", sealed ? checksum : NULL);
        for (int i = 0; i < 2; i++) { /* then it is no old one any more */
            struct nw_registry *registry = open_registry();
            struct rows rows = read_rows(registry);
            assert_true(are_two(&rows));
            assert_null(nw_registry_notice(registry));
            assert_null(store_notice(registry));
            assert_true(is_there("registry.backup"));
            nw_registry_close(registry);
        }
        static char bytes[FILE_MOST];
        size_t length = read_file("registry", bytes);
        assert_non_null(memmem(bytes, length, "CREATE TABLE seal", 17));
    }
}

static void takes_the_copy_of_an_old_registry(void **state)
{
    (void)state;
    static char bytes[FILE_MOST];
    make_old("registry.backup", checksum);
    size_t length = read_file("registry.backup", bytes);
    expect_recovery("is missing");
    write_file("registry.backup", bytes, length);
    char *slots = memmem(bytes, length, "\"slots\":2", 9);
    assert_non_null(slots);
    slots[8] = '3';
    write_file("registry", bytes, length);
    expect_recovery("it is not what was written");
    make_old("registry", NULL); /* where there is a copy, there was a checksum */
    read_file("registry", bytes);
    make_old("registry.backup", checksum);
    write_file("registry", bytes, length);
    expect_recovery("it has no checksum");
}

/* --- journals --- */

/* A record of a journal, as the version that had one wrote it. */
static void add_record(struct nw_buffer *to, uint64_t number, char kind, const char *sha256, const char *name,
                       const char *manifest)
{
    struct nw_buffer body = {0};
    unsigned char digest[32];
    assert_int_equal(nw_buffer_append(&body, &number, sizeof number), 0);
    assert_int_equal(nw_buffer_append(&body, &kind, 1), 0);
    assert_int_equal(nw_buffer_append(&body, sha256, 64), 0);
    assert_int_equal(nw_buffer_append(&body, name, strlen(name) + 1), 0);
    assert_int_equal(nw_buffer_append(&body, manifest, strlen(manifest)), 0);
    uint32_t length = (uint32_t)(16 + body.length);
    EVP_Digest(body.data, body.length, digest, NULL, EVP_sha256(), NULL);
    assert_int_equal(nw_buffer_append(to, "NWr1", 4), 0);
    assert_int_equal(nw_buffer_append(to, &length, sizeof length), 0);
    assert_int_equal(nw_buffer_append(to, digest, 16), 0);
    assert_int_equal(nw_buffer_append(to, body.data, body.length), 0);
    nw_buffer_fini(&body);
}

/* The two functions as such a journal, in which a third one came and went. */
static struct nw_buffer make_journal(void)
{
    static const char none[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char a[] = "{\"name\":\"a\",\"slots\":1,\"env\":{\"KEY\":\"a \\\"value\\\"\"}}";
    static const char b[] = "{\"name\":\"b\",\"slots\":2,\"env\":{\"KEY\":\"a \\\"value\\\"\"}}";
    struct nw_buffer bytes = {0};
    make_two();
    struct nw_registry *registry = open_registry();
    struct rows rows = read_rows(registry);
    nw_registry_close(registry);
    remove_file("registry");
    remove_file("registry.backup");
    add_record(&bytes, 7, 'B', none, "", "");
    add_record(&bytes, 8, 'P', rows.row[0].sha256, "a", a);
    add_record(&bytes, 9, 'P', rows.row[0].sha256, "gone", a);
    add_record(&bytes, 10, 'C', rows.row[1].sha256, "", "");
    add_record(&bytes, 11, 'D', none, "gone", "");
    add_record(&bytes, 12, 'P', rows.row[1].sha256, "b", b);
    return bytes;
}

static void takes_over_a_journal(void **state)
{
    (void)state;
    struct nw_buffer bytes = make_journal();
    write_file("registry", bytes.data, bytes.length);
    write_file("registry.backup", bytes.data, bytes.length);
    for (int i = 0; i < 2; i++) { /* then it is no journal any more */
        struct nw_registry *registry = open_registry();
        struct rows rows = read_rows(registry);
        assert_true(are_two(&rows));
        assert_null(nw_registry_notice(registry));
        nw_registry_close(registry);
    }
    nw_buffer_fini(&bytes);
}

/* What is whole in it and in its copy is put together. */
static void takes_over_a_damaged_journal(void **state)
{
    (void)state;
    struct nw_buffer bytes = make_journal();
    char *slots = memmem(bytes.data, bytes.length, "\"slots\":1", 9);
    slots[8] ^= 1;
    write_file("registry", bytes.data, bytes.length);
    slots[8] ^= 1;
    slots = memmem(bytes.data, bytes.length, "\"slots\":2", 9);
    slots[8] ^= 1;
    write_file("registry.backup", bytes.data, bytes.length);
    expect_recovery("registry.damaged");
    nw_buffer_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_over_an_old_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_the_copy_of_an_old_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_over_a_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_over_a_damaged_journal, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine registry, old", tests, NULL, NULL);
}
