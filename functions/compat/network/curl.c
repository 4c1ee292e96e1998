/* libcurl: fetches the URL of the input, with the certificates that CA names when it is set. */
#include "functions/compat/compat.h"
#include <curl/curl.h>
#include <stdlib.h>

int compat_load(void)
{
    return curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK ? 0 : -1;
}

static size_t take(char *data, size_t size, size_t n, void *out)
{
    return fwrite(data, size, n, out);
}

int compat_call(const char *input, FILE *out)
{
    CURL *curl = curl_easy_init();
    const char *ca = getenv("CA");
    char why[CURL_ERROR_SIZE] = "";
    CURLcode rc;
    long status = 0;

    curl_easy_setopt(curl, CURLOPT_URL, input);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 5L);
    if (ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    fprintf(out, " [%d %ld%s%s]", rc, status, *why ? " " : "", why);
    curl_easy_cleanup(curl);
    return 0;
}
