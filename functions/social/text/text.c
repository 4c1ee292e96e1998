/*
 * The text of a post: {"text": ".."} becomes {"text": "..", "urls": [{"short": "..", "url": ".."}], "mentions":
 * ["user"]}, with short URLs in the text. social-urls shortens them, social-mentions finds who is mentioned.
 */
#include "../lib/names.h"
#include "../lib/service.h"

/* How many bytes at `text` are a URL. */
static size_t url_length(const char *text)
{
    if (strncmp(text, "http://", 7) && strncmp(text, "https://", 8))
        return 0;
    return strcspn(text, " \t\r\n\"<>");
}

/* All of them, in their order. */
static cJSON *find_urls(const char *text)
{
    cJSON *urls = cJSON_CreateArray();

    for (size_t length; *text; text += length ? length : 1) {
        length = url_length(text);
        char *url = length ? strndup(text, length) : NULL;
        if (url)
            cJSON_AddItemToArray(urls, cJSON_CreateString(url));
        free(url);
    }
    return urls;
}

/* Asks for their short forms: [{"short": "..", "url": ".."}]. */
static cJSON *shorten(const struct social *social, const char *text)
{
    cJSON *in = cJSON_CreateObject(), *urls = find_urls(text);

    if (cJSON_GetArraySize(urls) == 0) {
        cJSON_Delete(in);
        return urls;
    }
    cJSON_AddItemToObject(in, "shorten", urls);
    return social_ask(social, "social-urls", in);
}

/* The text with the URLs in their short forms, which stand in the same order. NULL: no memory. */
static char *replace(const char *text, const cJSON *urls)
{
    char *replaced = NULL;
    size_t size;
    FILE *out = open_memstream(&replaced, &size);
    const cJSON *next = cJSON_GetArrayItem(urls, 0);

    for (size_t length; out && *text; text += length ? length : 1) {
        length = url_length(text);
        const char *brief = length ? social_text_of(next, "short", SOCIAL_URL_MAX) : NULL;
        if (brief)
            fputs(brief, out);
        else
            fwrite(text, 1, length ? length : 1, out);
        next = length && next ? next->next : next;
    }
    return out && fclose(out) == 0 ? replaced : NULL;
}

static cJSON *find_mentions(const struct social *social, const char *text)
{
    cJSON *in = cJSON_CreateObject();

    cJSON_AddStringToObject(in, "text", text);
    return social_ask(social, "social-mentions", in);
}

/* Of both, which are freed. */
static cJSON *put_together(const char *text, cJSON *urls, cJSON *mentions)
{
    cJSON *out = cJSON_CreateObject();
    char *replaced = replace(text, urls);

    cJSON_AddStringToObject(out, "text", replaced ? replaced : text);
    cJSON_AddItemToObject(out, "urls", urls);
    cJSON_AddItemToObject(out, "mentions", cJSON_DetachItemFromObjectCaseSensitive(mentions, "mentions"));
    cJSON_Delete(mentions);
    free(replaced);
    return out;
}

static cJSON *social_serve(const struct social *social, const cJSON *in)
{
    const char *text = social_text_of(in, "text", SOCIAL_TEXT_MAX);
    cJSON *urls, *mentions;

    if (!text)
        return social_error(400, "text has to be a text of 1 to 1000 bytes");
    urls = shorten(social, text);
    if (!urls || social_is_error(urls))
        return urls;
    mentions = find_mentions(social, text);
    if (mentions && !social_is_error(mentions))
        return put_together(text, urls, mentions);
    cJSON_Delete(urls);
    return mentions;
}
