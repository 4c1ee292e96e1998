/* Prints docs/reference/metrics.md; run by make. */
#include "engine/metrics/document.h"

int main(void)
{
    nw_metrics_document(stdout);
    return ferror(stdout) || fclose(stdout) ? 111 : 0;
}
