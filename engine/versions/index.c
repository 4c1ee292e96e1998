/* How a deployment is found: by its code, and by the number that workers know it by (deployments.h). */
#include "engine/versions/deployments.h"
#include <string.h>

static uint64_t hash_code(const char *sha256)
{
    return nw_table_hash(sha256, NW_SHA256_HEX);
}

static uint64_t hash_number(uint32_t number)
{
    return nw_table_hash(&number, sizeof number);
}

int nw__deployment_index(struct nw_deployment *deployment)
{
    struct nw_deployments *all = deployment->all;
    int rc = nw_table_add(&all->codes, &deployment->by_code, hash_code(deployment->sha256));
    if (rc < 0)
        return rc;
    rc = nw_table_add(&all->numbers, &deployment->by_number, hash_number(deployment->version.number));
    if (rc < 0)
        nw_table_remove(&all->codes, &deployment->by_code);
    return rc;
}

void nw__deployment_unindex(struct nw_deployment *deployment)
{
    nw_table_remove(&deployment->all->codes, &deployment->by_code);
    nw_table_remove(&deployment->all->numbers, &deployment->by_number);
}

/* The first at or behind a node that has just this code; NULL: none. */
static struct nw_deployment *with_code(struct nw_table_node *node, const char *sha256)
{
    while (node && strcmp(nw_container(node, struct nw_deployment, by_code)->sha256, sha256) != 0)
        node = nw_table_next(node);
    return node ? nw_container(node, struct nw_deployment, by_code) : NULL;
}

struct nw_deployment *nw__deployment_coded(const struct nw_deployments *all, const char *sha256)
{
    return with_code(nw_table_first(&all->codes, hash_code(sha256)), sha256);
}

struct nw_deployment *nw__deployment_coded_next(const struct nw_deployment *deployment)
{
    return with_code(nw_table_next(&deployment->by_code), deployment->sha256);
}

struct nw_deployment *nw_deployment_numbered(const struct nw_deployments *all, uint32_t number)
{
    struct nw_table_node *node = nw_table_first(&all->numbers, hash_number(number));
    while (node && nw_container(node, struct nw_deployment, by_number)->version.number != number)
        node = nw_table_next(node);
    return node ? nw_container(node, struct nw_deployment, by_number) : NULL;
}
