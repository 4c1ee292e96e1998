/* libxml2: a document parsed, queried with XPath and written again. */
#include "functions/compat/compat.h"
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>

int compat_load(void)
{
    xmlInitParser();
    return 0;
}

int compat_call(const char *input, FILE *out)
{
    xmlDocPtr document = xmlReadMemory(input, (int)strlen(input), "input.xml", NULL, XML_PARSE_NONET);
    xmlXPathContextPtr context = document ? xmlXPathNewContext(document) : NULL;
    xmlXPathObjectPtr sum = context ? xmlXPathEval((const xmlChar *)"sum(//item/@price)", context) : NULL;
    xmlChar *text = NULL;
    int size = 0;

    if (sum)
        fprintf(out, "sum %g", sum->floatval);
    if (document)
        xmlDocDumpMemoryEnc(document, &text, &size, "ISO-8859-1");
    fprintf(out, ", %d bytes in ISO-8859-1", size);
    xmlFree(text);
    xmlXPathFreeObject(sum);
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
    return 0;
}
