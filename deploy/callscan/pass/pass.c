/* See pass.h. */
#include "deploy/callscan/pass/pass.h"
#include "deploy/callscan/find/find.h"
#include "deploy/callscan/ir/module.h"
#include <stdio.h>
#include <stdlib.h>

/* Bytes as text for an assembler. They are in no page that a process maps: the section is not loaded. */
static int write_section(const struct nw_buffer *record, struct nw_buffer *text)
{
    int rc = nw_buffer_printf(text, ".pushsection %s,\"\",@progbits\n.balign 8", NW_SITES_SECTION);

    for (size_t i = 0; i < record->length && rc == 0; i++)
        rc = nw_buffer_printf(text, "%s%u", i % 32 == 0 ? "\n.byte " : ",", (unsigned char)record->data[i]);
    return rc == 0 ? nw_buffer_printf(text, "\n.popsection\n") : rc;
}

static int add_sites(LLVMModuleRef module, const struct nw_sites *sites)
{
    struct nw_buffer record = {0}, text = {0};
    int rc = nw_sites_encode(sites, &record);

    if (rc == 0)
        rc = write_section(&record, &text);
    if (rc == 0)
        LLVMAppendModuleInlineAsm(module, text.data, text.length);
    nw_buffer_fini(&record);
    nw_buffer_fini(&text);
    return rc;
}

/* The analysis changes what it looks at: it gets a copy. */
bool nw__pass_run(LLVMModuleRef module)
{
    LLVMModuleRef copy = LLVMCloneModule(module);
    const char *why = "there is not enough memory, or there are too many";
    char text[512];
    bool added = false;

    if (nw_module_prepare(copy, nw_find_keeps, text, sizeof text) == 0) {
        struct nw_found *found = nw_find(copy);
        const struct nw_sites *sites = nw_found_sites(found);
        if (sites->n_sites == 0 && !sites->whole)
            why = NULL;
        else if (add_sites(module, sites) == 0)
            added = true;
        nw_found_free(found);
    } else {
        why = text;
    }
    LLVMDisposeModule(copy);
    if (!added && why)
        fprintf(stderr, "nightward-callsites: the call sites are not added: %s\n", why);
    return added;
}
