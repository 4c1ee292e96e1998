/* Manifests: names, every key with its bounds, JSON with line and key in each error, and what is written is read. */
#include "common/test/test.h"

#include "common/manifest/manifest.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

static struct nw_manifest manifest;
static char why[256];

static int setup(void **state)
{
    (void)state;
    nw_manifest_init(&manifest);
    memset(why, 0, sizeof why);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nw_manifest_fini(&manifest);
    return 0;
}

/* Parses the text from memory that ends right before an unreadable page. */
static int parse(const char *json, char *so_path, size_t so_path_size)
{
    size_t length = strlen(json);
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(length <= PAGE);
    assert_int_equal(mprotect(page + PAGE, PAGE, PROT_NONE), 0);
    char *text = page + PAGE - length;
    memcpy(text, json, length);
    int rc = nw_manifest_parse_json(&manifest, text, length, so_path, so_path_size, why, sizeof why);
    munmap(page, 2 * PAGE);
    return rc;
}

static void names(void **state)
{
    (void)state;
    char longest[NW_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    static const char *const right[] = {"a", "Z9", "a.b", "a-b", "_", "0", "a..b"};
    static const char *const wrong[] = {"", ".", "..", ".a", "-a", "a/b", "a b", "a\n", "\xc3\xa9", "a%2f"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_int_equal(nw_manifest_check_name(right[i], strlen(right[i])), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(nw_manifest_check_name(wrong[i], strlen(wrong[i])), -EINVAL);
    assert_int_equal(nw_manifest_check_name("a\0b", 3), -EINVAL);
    assert_int_equal(nw_manifest_check_name(longest, NW_NAME_MAX), 0);
    assert_int_equal(nw_manifest_check_name(longest, NW_NAME_MAX + 1), -EINVAL);
}

static void callees(void **state)
{
    (void)state;
    char longest[NW_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[8] = '@';
    static const char *const right[] = {"a", "a@b", "a.b@v3", "a@_"};
    static const char *const wrong[] = {"", "@", "a@", "@a", "a@b@c", "a@.b", "a@b/c", "-a@b", "a b@c", "a@\n"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_int_equal(nw_manifest_check_callee(right[i], strlen(right[i])), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(nw_manifest_check_callee(wrong[i], strlen(wrong[i])), -EINVAL);
    assert_int_equal(nw_manifest_check_callee(longest, NW_NAME_MAX), 0);
    assert_int_equal(nw_manifest_check_callee(longest, NW_NAME_MAX + 1), -EINVAL);
}

static void defaults(void **state)
{
    (void)state;
    assert_string_equal(manifest.name, "");
    assert_int_equal(manifest.slots, 8);
    assert_int_equal(manifest.timeout_ms, 10000);
    assert_int_equal(manifest.memory, 256ull << 20);
    assert_int_equal(manifest.warm, 0);
    assert_int_equal(manifest.idle_ms, 0);
    assert_int_equal(manifest.queue, 1000);
    assert_int_equal(manifest.weight, 100);
    assert_int_equal(manifest.cpu_limit, 0);
    assert_int_equal(manifest.fresh, 0);
    assert_int_equal(manifest.static_tls, 512);
    assert_int_equal(manifest.env.length, 0);
}

struct setting {
    const char *key, *value;
    uint64_t expected;
};

static uint64_t field(const char *key)
{
    if (!strcmp(key, "slots"))
        return manifest.slots;
    if (!strcmp(key, "warm"))
        return manifest.warm;
    if (!strcmp(key, "idle"))
        return manifest.idle_ms;
    if (!strcmp(key, "queue"))
        return manifest.queue;
    if (!strcmp(key, "weight"))
        return manifest.weight;
    if (!strcmp(key, "cpu-limit"))
        return manifest.cpu_limit;
    if (!strcmp(key, "static-tls"))
        return manifest.static_tls;
    return !strcmp(key, "timeout") ? manifest.timeout_ms : manifest.memory;
}

static void numbers_within_bounds(void **state)
{
    (void)state;
    static const struct setting rows[] = {
        {"slots", "1", 1},
        {"slots", "64", 64},
        {"slots", "007", 7},
        {"timeout", "1ms", 1},
        {"timeout", "250ms", 250},
        {"timeout", "1s", 1000},
        {"timeout", "2m", 120000},
        {"timeout", "1h", 3600000},
        {"timeout", "3600s", 3600000},
        {"memory", "16M", 16u << 20},
        {"memory", "4G", 4ull << 30},
        {"memory", "16777216", 16u << 20},
        {"memory", "65536K", 64u << 20},
        {"queue", "1", 1},
        {"queue", "65536", 65536},
        {"weight", "1", 1},
        {"weight", "10000", 10000},
        {"cpu-limit", "0%", 0},
        {"cpu-limit", "50%", 50},
        {"cpu-limit", "10000%", 10000},
        {"warm", "0", 0},
        {"warm", "64", 64},
        {"idle", "2s", 2000},
        {"idle", "720h", 2592000000},
        {"static-tls", "0", 0},
        {"static-tls", "256K", 256u << 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(nw_manifest_set(&manifest, rows[i].key, rows[i].value, why, sizeof why), 0);
        assert_int_equal(field(rows[i].key), rows[i].expected);
    }
}

static void numbers_outside_are_refused_by_key(void **state)
{
    (void)state;
    static const struct setting rows[] = {
        {"slots", "0", 0},
        {"slots", "65", 0},
        {"slots", "", 0},
        {"slots", "-1", 0},
        {"slots", "8x", 0},
        {"slots", " 8", 0},
        {"slots", "8 ", 0},
        {"slots", "+8", 0},
        {"slots", "4294967297", 0},
        {"timeout", "0ms", 0},
        {"timeout", "10", 0},
        {"timeout", "2h", 0},
        {"timeout", "1.5s", 0},
        {"timeout", "s", 0},
        {"timeout", "1S", 0},
        {"queue", "0", 0},
        {"queue", "65537", 0},
        {"weight", "0", 0},
        {"weight", "10001", 0},
        {"cpu-limit", "50", 0},
        {"cpu-limit", "0.5%", 0},
        {"cpu-limit", "10001%", 0},
        {"warm", "65", 0},
        {"idle", "0", 0},
        {"idle", "1999ms", 0},
        {"idle", "721h", 0},
        {"static-tls", "257K", 0},
        {"memory", "15M", 0},
        {"memory", "4097M", 0},
        {"memory", "1T", 0},
        {"memory", "64m", 0},
        {"memory", "0x1000000", 0},
        {"disk", "17T", 0},
        {"disk", "-1", 0},
        {"memory", "18446744073709551617", 0},
        {"memory", "99999999999999999999G", 0},
        {"memory", "17179869184G", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t before = field(rows[i].key);
        assert_int_equal(nw_manifest_set(&manifest, rows[i].key, rows[i].value, why, sizeof why), -EINVAL);
        assert_int_equal(strncmp(why, rows[i].key, strlen(rows[i].key)), 0);
        assert_int_equal(field(rows[i].key), before);
    }
}

static void tunables_are_those_of_malloc(void **state)
{
    (void)state;
    static const struct {
        const char *value, *why;
    } wrong[] = {
        {"glibc.rtld.nns=4", "\"glibc.rtld.nns\" is none of glibc.malloc.*"},
        {"glibc.malloc.check=3:glibc.pthread.rseq=1", "\"glibc.pthread.rseq\" is none of glibc.malloc.*"},
        {"glibc.rtld.optional_static_tls=4096", "glibc.rtld.optional_static_tls is what static-tls sets"},
        {"glibc.malloc.arena_max", "\"glibc.malloc.arena_max\" is none of"},
        {"glibc.malloc.=1", "\"glibc.malloc.\" is none of"},
        {"glibc.malloc.check=3:", "\"\" is none of"},
    };
    char text[128];
    assert_int_equal(nw_manifest_set(&manifest, "env", "GLIBC_TUNABLES=glibc.malloc.arena_max=1", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "env", "GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.perturb=7",
                                     why, sizeof why),
                     0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "GLIBC_TUNABLES=%s", wrong[i].value);
        assert_int_equal(nw_manifest_set(&manifest, "env", text, why, sizeof why), -EINVAL);
        assert_non_null(strstr(why, wrong[i].why));
    }
}

static void environment(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "A", "=x", "1A=x", "A B=x", "A-B=x", "LD_PRELOAD=x", "GLIBC_TUNABLES=x", "GLIBC_TUNABLES="};
    assert_int_equal(nw_manifest_set(&manifest, "env", "A=1", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "env", "AB=2=3", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "env", "_9=", why, sizeof why), 0);
    assert_int_equal(manifest.env.length, 15);
    assert_memory_equal(manifest.env.data, "A=1\0AB=2=3\0_9=\0", 15);
    assert_int_equal(nw_manifest_set(&manifest, "env", "A=again", why, sizeof why), 0);
    assert_int_equal(manifest.env.length, 19);
    assert_memory_equal(manifest.env.data, "AB=2=3\0_9=\0A=again\0", 19);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(nw_manifest_set(&manifest, "env", wrong[i], why, sizeof why), -EINVAL);
        assert_int_equal(strncmp(why, "env: ", 5), 0);
    }
    assert_int_equal(manifest.env.length, 19);
    assert_int_equal(nw_manifest_set(&manifest, "env", "API-KEY=hunter2", why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "\"API-KEY=...\""));
    assert_int_equal(nw_manifest_set(&manifest, "env", "hunter2", why, sizeof why), -EINVAL);
    assert_null(strstr(why, "hunter2"));
}

static void tenants_and_callers(void **state)
{
    (void)state;
    static const char *const wrong[] = {",", "a,", ",a", "a b", "**", ".a", "a,\n"};
    char longest[NW_CALLERS_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 60; i < sizeof longest; i += 60)
        longest[i] = ',';
    assert_string_equal(manifest.tenant, "default");
    assert_true(nw_manifest_may_call(manifest.tenant, manifest.callers, "default"));
    assert_false(nw_manifest_may_call(manifest.tenant, manifest.callers, "a"));
    assert_int_equal(nw_manifest_set(&manifest, "tenant", "-a", why, sizeof why), -EINVAL);
    assert_int_equal(strncmp(why, "tenant: ", 8), 0);
    assert_int_equal(nw_manifest_set(&manifest, "tenant", "own", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "callers", " a , bc", why, sizeof why), 0);
    assert_string_equal(manifest.callers, "a,bc");
    assert_int_equal(nw_manifest_set(&manifest, "callers", longest, why, sizeof why), -EINVAL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(nw_manifest_set(&manifest, "callers", wrong[i], why, sizeof why), -EINVAL);
    assert_string_equal(manifest.callers, "a,bc");
    assert_true(nw_manifest_may_call(manifest.tenant, manifest.callers, "own"));
    assert_true(nw_manifest_may_call(manifest.tenant, manifest.callers, "a"));
    assert_true(nw_manifest_may_call(manifest.tenant, manifest.callers, "bc"));
    assert_false(nw_manifest_may_call(manifest.tenant, manifest.callers, "b"));
    assert_false(nw_manifest_may_call(manifest.tenant, manifest.callers, "bcd"));
    assert_false(nw_manifest_may_call(manifest.tenant, manifest.callers, "default"));
    assert_int_equal(nw_manifest_set(&manifest, "callers", "b,*", why, sizeof why), 0);
    assert_true(nw_manifest_may_call(manifest.tenant, manifest.callers, "anybody"));
    assert_int_equal(nw_manifest_set(&manifest, "callers", "", why, sizeof why), 0);
    assert_false(nw_manifest_may_call(manifest.tenant, manifest.callers, "a"));
}

static void environment_has_a_limit(void **state)
{
    (void)state;
    static char value[20000] = "A=";
    memset(value + 2, 'x', sizeof value - 3);
    assert_int_equal(nw_manifest_set(&manifest, "env", value, why, sizeof why), 0);
    value[0] = 'B';
    assert_int_equal(nw_manifest_set(&manifest, "env", value, why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "30000"));
    value[0] = 'A';
    assert_int_equal(nw_manifest_set(&manifest, "env", value, why, sizeof why), 0);
}

static void json_sets_every_key(void **state)
{
    (void)state;
    char so[32] = "";
    assert_int_equal(parse(" {\"name\": \"thumb\", \"slots\": 4, \"timeout\": \"2s\", \"memory\": \"64M\",\r\n"
                           "\"threads\": 0, \"profile\": \"net,files\", \"connect\": \"[::1]:80\","
                           "\"directories\": \"/d:ro\", \"cwd\": \"/d/e\", \"so\": \"thumb.so\", \"env\": {\"K\": \"v, "
                           "{\\\"x\\\"}\", \"L\": \"\"}}\n ",
                           so, sizeof so),
                     0);
    assert_string_equal(manifest.name, "thumb");
    assert_string_equal(so, "thumb.so");
    assert_int_equal(manifest.slots, 4);
    assert_int_equal(manifest.timeout_ms, 2000);
    assert_int_equal(manifest.memory, 64u << 20);
    assert_int_equal(manifest.threads, 0);
    assert_int_equal(manifest.profile, NW_PROFILE_COMPUTE | NW_PROFILE_NET | NW_PROFILE_FILES);
    assert_string_equal(manifest.connect, "[::1]:80");
    assert_string_equal(manifest.directories, "/d:ro");
    assert_string_equal(manifest.cwd, "/d/e");
    assert_int_equal(manifest.env.length, 14);
    assert_memory_equal(manifest.env.data, "K=v, {\"x\"}\0L=\0", 14);
    assert_int_equal(parse("{}", NULL, 0), 0);
}

static void json_errors_name_line_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *json, *expected[2];
    } rows[] = {
        {"", {"line 1:", "JSON"}},
        {"{\"slots\": 8", {"line 1:", "JSON"}},
        {"{\n\"slots\": 8,\n}", {"line 3:", "JSON"}},
        {"[]", {"line 1:", "object"}},
        {"8", {"line 1:", "object"}},
        {"{}\n\n{}", {"line 3:", "follows"}},
        {"{\"slots\": 8,\n\"colour\": 1}", {"line 2:", "colour: unknown key"}},
        {"{\"env\": {\"slots\": \"1\", \"A\": \"{,[\\\"\"},\n\n\"slots\": 65}", {"line 3:", "slots"}},
        {"{\n\"slots\": 1,\n\"slots\": 2}", {"line 3:", "slots: given twice"}},
        {"{\n\"slots\": true}", {"line 2:", "slots: must be a string or a number"}},
        {"{\n\"fresh\": 1}", {"line 2:", "fresh: \"1\" does not do; give true or false"}},
        {"{\n\"http\": \"yes\"}", {"line 2:", "http: \"yes\" does not do; give true or false"}},
        {"{\n\"slots\": 1.5}", {"line 2:", "slots"}},
        {"{\n\"slots\": -1}", {"line 2:", "slots"}},
        {"{\n\"slots\": 1e300}", {"line 2:", "slots"}},
        {"{\n\"timeout\": 5}", {"line 2:", "timeout"}},
        {"{\n\"memory\": null}", {"line 2:", "memory"}},
        {"{\n\"name\": \"a/b\"}", {"line 2:", "name"}},
        {"{\n\"env\": []}", {"line 2:", "env: must be an object"}},
        {"{\"env\": {\n\"A\": \"x\",\n\"B\": 3}}", {"line 3:", "env: the value of B"}},
        {"{\"env\": {\n\"A\": \"x\",\n\"LD_AUDIT\": \"x\"}}", {"line 3:", "env: LD_AUDIT"}},
        {"{\"env\": {\n\"A=B\": \"x\"}}", {"line 2:", "env: the key A=B"}},
        {"{\n\"name\": \"a\\u0000b\"}", {"line 2:", "NUL"}},
        {"{\"slots\": 1,\n\"so\": \"x.so\"}", {"line 2:", "so: unknown key"}},
        {"{\n\"threads\": 96}", {"line 2:", "threads"}},
        {"{\n\"profile\": \"all\"}", {"line 2:", "profile: \"all\" does not do"}},
        {"{\n\"profile\": \"net\",\n\"connect\": \"local/host:1\"}", {"line 3:", "names with a port"}},
        {"{\n\"profile\": \"files\",\n\"directories\": \"data:ro\"}", {"line 3:", "absolute paths"}},
        {"{\"connect\": \"1.2.3.4:5\"}", {"connect", "with profile net only"}},
        {"{\"profile\": \"net\", \"directories\": \"/d:ro\"}", {"directories", "with profile files only"}},
        {"{\n\"cwd\": \"d\"}", {"line 2:", "cwd: \"d\" does not do"}},
        {"{\n\"cwd\": \"/d/../e\"}", {"line 2:", "absolute path"}},
        {"{\"cwd\": \"/d\"}", {"cwd: /d", "add one to directories"}},
        {"{\"profile\": \"files\", \"directories\": \"/d:ro\", \"cwd\": \"/de\"}", {"cwd: /de", "lies in none"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nw_manifest_fini(&manifest);
        nw_manifest_init(&manifest);
        assert_int_equal(parse(rows[i].json, NULL, 0), -EINVAL);
        if (!strstr(why, rows[i].expected[0]) || !strstr(why, rows[i].expected[1]))
            fail_msg("%s gives: %s", rows[i].json, why);
    }
}

static void so_path_must_fit(void **state)
{
    (void)state;
    char so[5] = "";
    assert_int_equal(parse("{\"so\": \"a.so\"}", so, sizeof so), 0);
    assert_string_equal(so, "a.so");
    assert_int_equal(parse("{\"so\": \"ab.so\"}", so, sizeof so), -EINVAL);
    assert_int_equal(parse("{\"so\": \"\"}", so, sizeof so), -EINVAL);
    assert_int_equal(parse("{\"so\": 1}", so, sizeof so), -EINVAL);
    assert_string_equal(so, "a.so");
}

/* Every beginning of a text, and the text with any one byte changed, gives an answer and no fault. */
static void damaged_json_is_answered(void **state)
{
    (void)state;
    static const char whole[] = "{\"name\":\"a\",\"slots\":8,\"env\":{\"K\":\"v\\n\",\"L\":\"\"},\"memory\":\"64M\"}";
    char text[sizeof whole];
    int accepted = 0;
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        memcpy(text, whole, sizeof whole);
        text[cut] = '\0';
        accepted += parse(text, NULL, 0) == 0;
        for (const char *c = "\"{}[]:,\\ 0z"; *c && cut < sizeof whole - 1; c++) {
            memcpy(text, whole, sizeof whole);
            text[cut] = *c;
            accepted += parse(text, NULL, 0) == 0;
        }
    }
    assert_true(accepted > 50);
}

static void written_json_is_read_back(void **state)
{
    (void)state;
    static const struct setting rows[] = {
        {"timeout", "1ms", 0},       {"timeout", "1500ms", 0},
        {"timeout", "1h", 0},        {"idle", "2500ms", 0},
        {"memory", "16777217", 0},   {"memory", "17M", 0},
        {"memory", "4G", 0},         {"threads", "0", 0},
        {"profile", "net", 0},       {"connect", "1.2.3.4/8:*", 0},
        {"profile", "net,files", 0}, {"directories", "/a b:rw", 0},
        {"cwd", "/a b/c", 0},        {"disk", "0", 0},
        {"disk", "16T", 0},          {"disk", "1000", 0},
    };
    assert_int_equal(nw_manifest_set(&manifest, "name", "n", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "tenant", "t", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "callers", "*,u", why, sizeof why), 0);
    assert_int_equal(nw_manifest_set(&manifest, "env", "Q=\"\\\t\xc3\xa9=", why, sizeof why), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nw_buffer json = {0};
        struct nw_manifest other;
        nw_manifest_init(&other);
        assert_int_equal(nw_manifest_set(&manifest, rows[i].key, rows[i].value, why, sizeof why), 0);
        assert_int_equal(nw_manifest_to_json(&manifest, &json), 0);
        assert_int_equal(nw_manifest_parse_json(&other, json.data, json.length, NULL, 0, why, sizeof why), 0);
        assert_string_equal(other.name, manifest.name);
        assert_string_equal(other.tenant, "t");
        assert_string_equal(other.callers, "*,u");
        assert_int_equal(other.slots, manifest.slots);
        assert_int_equal(other.timeout_ms, manifest.timeout_ms);
        assert_int_equal(other.memory, manifest.memory);
        assert_int_equal(other.threads, manifest.threads);
        assert_int_equal(other.idle_ms, manifest.idle_ms);
        assert_int_equal(other.disk, manifest.disk);
        assert_int_equal(other.profile, manifest.profile);
        assert_string_equal(other.cwd, manifest.cwd);
        assert_string_equal(other.connect, manifest.connect);
        assert_string_equal(other.directories, manifest.directories);
        assert_int_equal(other.env.length, manifest.env.length);
        assert_memory_equal(other.env.data, manifest.env.data, other.env.length);
        nw_manifest_fini(&other);
        nw_buffer_fini(&json);
    }
}

static void messages_respect_their_size(void **state)
{
    (void)state;
    char small[8] = "1234567";
    assert_int_equal(nw_manifest_set(&manifest, "slots", "many", small, 4), -EINVAL);
    assert_string_equal(small, "slo");
    assert_memory_equal(small + 4, "567", 4);
}

#define manifest_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static bool agree_but_for(const struct nw_manifest *other, const char *key)
{
    for (unsigned i = 0; nw_manifest_key(i); i++)
        if (nw_manifest_agree(&manifest, other, i) == !strcmp(nw_manifest_key(i), key))
            return false;
    return true;
}

/* Every key can be set, is then named, makes a difference, is copied, and gets its default back. */
static void resets_every_key(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        {"slots", "3"},
        {"timeout", "3s"},
        {"memory", "64M"},
        {"disk", "64M"},
        {"threads", "3"},
        {"queue", "3"},
        {"weight", "3"},
        {"cpu-limit", "3%"},
        {"warm", "3"},
        {"idle", "3s"},
        {"static-tls", "3K"},
        {"name", "n"},
        {"tenant", "t"},
        {"callers", "a"},
        {"profile", "net,files"},
        {"connect", "1.2.3.4:5"},
        {"directories", "/a:ro"},
        {"cwd", "/a"},
        {"calls", "a,b"},
        {"fresh", "true"},
        {"http", "true"},
        {"cors", "https://a.example"},
        {"env", "A=1"},
    };
    unsigned n = 0;
    while (nw_manifest_key(n))
        n++;
    assert_int_equal(n, sizeof values / sizeof values[0]);
    for (unsigned i = 0; i < n; i++) {
        struct nw_manifest copy;
        struct nw_kept_manifest kept;
        nw_manifest_init(&copy);
        assert_string_equal(nw_manifest_key(i), values[i][0]);
        assert_int_equal(manifest.named, 0);
        assert_int_equal(nw_manifest_set(&manifest, values[i][0], values[i][1], why, sizeof why), 0);
        assert_int_equal(manifest.named, 1u << i);
        assert_true(agree_but_for(&copy, values[i][0]));
        assert_int_equal(nw_kept_manifest_init(&kept, &manifest), 0);
        assert_int_equal(nw_kept_manifest_copy(&copy, &kept), 0);
        nw_kept_manifest_fini(&kept);
        assert_true(agree_but_for(&copy, ""));
        assert_int_equal(copy.named, 0);
        assert_int_equal(nw_manifest_reset(&copy, i % 2 ? values[i][0] : "all", why, sizeof why), 0);
        assert_true(agree_but_for(&copy, strcmp(values[i][0], "name") ? values[i][0] : ""));
        nw_manifest_fini(&copy);
        nw_manifest_fini(&manifest);
        nw_manifest_init(&manifest);
    }
    assert_int_equal(nw_manifest_reset(&manifest, "colour", why, sizeof why), -EINVAL);
    assert_non_null(strstr(why, "directories"));
}

static void variables_agree_in_any_order(void **state)
{
    (void)state;
    struct nw_manifest other;
    nw_manifest_init(&other);
    nw_manifest_set(&manifest, "env", "A=1", why, sizeof why);
    nw_manifest_set(&manifest, "env", "B=2", why, sizeof why);
    nw_manifest_set(&other, "env", "B=2", why, sizeof why);
    nw_manifest_set(&other, "env", "A=1", why, sizeof why);
    assert_true(agree_but_for(&other, ""));
    nw_manifest_set(&other, "env", "A=3", why, sizeof why);
    assert_true(agree_but_for(&other, "env"));
    nw_manifest_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        manifest_test(names),
        manifest_test(callees),
        manifest_test(defaults),
        manifest_test(numbers_within_bounds),
        manifest_test(numbers_outside_are_refused_by_key),
        manifest_test(tunables_are_those_of_malloc),
        manifest_test(environment),
        manifest_test(tenants_and_callers),
        manifest_test(environment_has_a_limit),
        manifest_test(json_sets_every_key),
        manifest_test(json_errors_name_line_and_key),
        manifest_test(so_path_must_fit),
        manifest_test(damaged_json_is_answered),
        manifest_test(written_json_is_read_back),
        manifest_test(messages_respect_their_size),
        manifest_test(resets_every_key),
        manifest_test(variables_agree_in_any_order),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
