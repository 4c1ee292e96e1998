/*
 * Manifests: the input as JSON, and as lines of KEY=VALUE. What is accepted lies within the bounds and survives being
 * written as JSON and read again.
 */
#include "common/manifest/manifest.h"
#include "common/test/fuzz.h"
#include <string.h>

/* Each call writes a message that is cut to its room, which is as small as it may be. */
static int parse(struct nw_manifest *manifest, const char *json, size_t length)
{
    char why[40], so[24];
    int rc = nw_manifest_parse_json(manifest, json, length, so, sizeof so, why, sizeof why);
    NW_FUZZ_CHECK(rc == 0 || memchr(why, '\0', sizeof why));
    return rc;
}

static void check_bounds(const struct nw_manifest *manifest)
{
    NW_FUZZ_CHECK(!*manifest->name || nw_manifest_check_name(manifest->name, strlen(manifest->name)) == 0);
    NW_FUZZ_CHECK(manifest->slots >= 1 && manifest->slots <= 64);
    NW_FUZZ_CHECK(manifest->timeout_ms >= 1 && manifest->timeout_ms <= 3600000);
    NW_FUZZ_CHECK(manifest->memory >= 16ul << 20 && manifest->memory <= 4ul << 30);
    NW_FUZZ_CHECK(manifest->env.length <= 30000);
    NW_FUZZ_CHECK(!manifest->env.length || !manifest->env.data[manifest->env.length - 1]);
}

/* Whatever keys there are: what is written of a manifest that was read is what was written before. */
static void check_round_trip(const struct nw_manifest *manifest)
{
    struct nw_buffer json = {0}, again_json = {0};
    struct nw_manifest again;
    nw_manifest_init(&again);
    NW_FUZZ_CHECK(nw_manifest_to_json(manifest, &json) == 0);
    NW_FUZZ_CHECK(parse(&again, json.data, json.length) == 0);
    NW_FUZZ_CHECK(nw_manifest_to_json(&again, &again_json) == 0);
    NW_FUZZ_CHECK(json.length == again_json.length && !memcmp(json.data, again_json.data, json.length));
    NW_FUZZ_CHECK(manifest->env.length == again.env.length);
    NW_FUZZ_CHECK(!again.env.length || !memcmp(manifest->env.data, again.env.data, again.env.length));
    nw_manifest_fini(&again);
    nw_buffer_fini(&json);
    nw_buffer_fini(&again_json);
}

static void read_lines(struct nw_manifest *manifest, char *text)
{
    char why[40], *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strchr(line, '=');
        if (value)
            *value++ = '\0';
        nw_manifest_set(manifest, line, value ? value : "", why, sizeof why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    if (parse(&manifest, (const char *)data, size) == 0) {
        check_bounds(&manifest);
        check_round_trip(&manifest);
    }
    nw_manifest_fini(&manifest);

    char *text = strndup((const char *)data, size);
    NW_FUZZ_CHECK(text);
    nw_manifest_init(&manifest);
    char why[40];
    read_lines(&manifest, text);
    check_bounds(&manifest);
    if (nw_manifest_check(&manifest, why, sizeof why) == 0) /* JSON is checked as a whole when it is read */
        check_round_trip(&manifest);
    nw_manifest_fini(&manifest);
    free(text);
    return 0;
}
