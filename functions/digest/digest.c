/* The SHA-256 of its input in hexadecimal, through libcrypto: a function may use any ordinary library. */
#include <faas/worker_v1_interface.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct digest {
    void *context;
    faas_append_output_fn_t append;
    EVP_MD_CTX *hash; /* kept between calls: a func worker never runs two at once */
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct digest *digest = malloc(sizeof *digest);

    (void)invoke_func_fn;
    if (!digest)
        return -1;
    *digest = (struct digest){.context = caller_context, .append = append_output_fn, .hash = EVP_MD_CTX_new()};
    if (!digest->hash) {
        free(digest);
        return -1;
    }
    *worker_handle = digest;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    struct digest *digest = worker_handle;

    EVP_MD_CTX_free(digest->hash);
    free(digest);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct digest *digest = worker_handle;
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int sum_length = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 2];
    size_t at = 0;

    if (!EVP_DigestInit_ex(digest->hash, EVP_sha256(), NULL) || !EVP_DigestUpdate(digest->hash, input, input_length) ||
        !EVP_DigestFinal_ex(digest->hash, sum, &sum_length))
        return 1;
    for (unsigned int i = 0; i < sum_length; i++)
        at += (size_t)sprintf(hex + at, "%02x", sum[i]);
    hex[at++] = '\n';
    digest->append(digest->context, hex, at);
    return 0;
}
