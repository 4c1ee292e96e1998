/*
 * Goes through the kept inputs of a fuzz target (fuzz.h), each of them in front of an unreadable page, and through the
 * empty one. Named build/test/PART/fuzz/NAME, it finds them in PART/fuzz/corpus/NAME; other files can be given as
 * arguments.
 */
#include "common/test/fuzz.h"
#include <dirent.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE       4096ul
#define FOLDER_MAX 4096

/* Names the file first: what fails does not come back. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rbe");
    struct stat st;
    if (!file || fstat(fileno(file), &st) < 0) {
        perror(path);
        return -1;
    }
    size_t size = (size_t)st.st_size, room = (size + PAGE - 1) / PAGE * PAGE;
    unsigned char *map = mmap(NULL, room + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + room, PAGE, PROT_NONE) < 0 ||
        fread(map + room - size, 1, size, file) != size) {
        perror(path);
        return -1;
    }
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(map + room - size, size);
    munmap(map, room + PAGE);
    return 0;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_folder(const char folder[FOLDER_MAX])
{
    struct dirent **entries;
    int n = scandir(folder, &entries, visible, alphasort), failed = 0;
    if (n < 0)
        perror(folder);
    for (int i = 0; i < n; i++) {
        char path[FOLDER_MAX + sizeof entries[i]->d_name];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        failed |= replay(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n > 0 && !failed ? n : -1;
}

int main(int argc, char **argv)
{
    char folder[FOLDER_MAX];
    int n = 0;
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) < 0)
            return 1;
    if (argc > 1)
        return 0;
    const char *part = strstr(argv[0], "/test/");
    const char *name = part ? strstr(part, "/fuzz/") : NULL;
    if (!name)
        return 2;
    part += strlen("/test/");
    snprintf(folder, sizeof folder, "%.*s/fuzz/corpus/%s", (int)(name - part), part, name + strlen("/fuzz/"));
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    n = replay_folder(folder);
    printf("1..1\n%sok 1 - %d kept inputs of %s\n", n > 0 ? "" : "not ", n, folder);
    return n > 0 ? 0 : 1;
}
