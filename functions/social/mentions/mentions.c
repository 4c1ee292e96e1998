/* Who is mentioned in a text: {"text": "hi @ada"} is answered {"mentions": ["ada"]}, each once, in the order of the
 * text. */
#include "../lib/names.h"
#include "../lib/service.h"

static bool is_among(const cJSON *names, const char *name)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, names)
    {
        if (!strcmp(one->valuestring, name))
            return true;
    }
    return false;
}

static void add(cJSON *names, const char *at, size_t length)
{
    char name[SOCIAL_NAME_MAX + 1];

    if (length == 0 || length > SOCIAL_NAME_MAX)
        return;
    memcpy(name, at, length);
    name[length] = '\0';
    if (!is_among(names, name))
        cJSON_AddItemToArray(names, cJSON_CreateString(name));
}

/* An @ within a word, as in a mail address, mentions nobody. */
static cJSON *find_mentions(const char *text)
{
    cJSON *names = cJSON_CreateArray();
    char before = ' ';

    for (; *text; before = *text++)
        if (*text == '@' && !social_is_name_byte(before))
            add(names, text + 1, social_name_span(text + 1));
    return names;
}

static cJSON *social_serve(const struct social *social, const cJSON *in)
{
    const char *text = social_text_of(in, "text", SOCIAL_TEXT_MAX);
    cJSON *out;

    (void)social;
    if (!text)
        return social_error(400, "text has to be a text of 1 to 1000 bytes");
    out = cJSON_CreateObject();
    cJSON_AddItemToObject(out, "mentions", find_mentions(text));
    return out;
}
