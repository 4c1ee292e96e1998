/* Prints docs/reference/limits.md; run by make. */
#include "common/manifest/resources.h"

int main(void)
{
    nw_resources_document(stdout);
    return ferror(stdout) || fclose(stdout) ? 111 : 0;
}
