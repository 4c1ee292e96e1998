/* Prints docs/reference/syscalls.md; run by make. */
#include "worker/policy/doc.h"

int main(void)
{
    nw_policy_document(stdout);
    return ferror(stdout) || fclose(stdout) ? 111 : 0;
}
