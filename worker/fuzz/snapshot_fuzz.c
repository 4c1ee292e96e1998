/*
 * A snapshot's file as a stranger could have made it, read and mapped as a worker does (snapshot/read.c, picture.c): it
 * is refused, or all that is mapped lies within the domain's memory and within the files, code comes from images alone,
 * and nothing is for all domains to read but files of the host. Files and mappings are stood in for.
 */
#include "common/manifest/control.h"
#include "common/test/fuzz.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/image/programs.h"
#include "worker/path/resolve.h"
#include "worker/range/pages.h"
#include "worker/snapshot/picture.h"
#include "worker/snapshot/read.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE      NW_PLACES_START
#define FIRST     (BASE + NW_PAGE_SIZE)
#define END       nw_memory_areas(BASE + NW_DOMAIN_RANGE)
#define MACHINE   0x736968742e6f6e65ull /* where the inputs say that they were taken */
#define MEMORY    (64ull << 20)
#define FILE_SIZE (512 * NW_PAGE_SIZE - 100) /* of each library */
#define SEALS     (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

enum file { HOST, OWN, HOST_CODE, OWN_CODE, FILES };

static int files[FILES];
static struct nw_domain domain;
static struct nw_deployed function;
static struct nw_tables tables;
static int snapshot; /* its file */
static bool refused; /* something that it names, by what stands in for the rest */
static unsigned images_held;
static uint64_t image_sizes[256]; /* by their descriptors */
static uint64_t mapped_to;        /* all below is mapped, or stays as it is */
static uint64_t opened_to;        /* all below has its rights */

/* --- in place of the rest --- */

static bool refuse(bool when)
{
    refused |= when;
    return when;
}

static bool is_file(int fd, enum file file)
{
    struct stat one, other;
    return fstat(fd, &one) == 0 && fstat(files[file], &other) == 0 && one.st_ino == other.st_ino;
}

int nw_resolve(struct nw_domain *d, uint64_t number, struct nw_resolved *place)
{
    NW_FUZZ_CHECK(d == &domain && number == (uint64_t)AT_FDCWD && place->path[0] == '/');
    return refuse(strstr(place->path, ".gone")) ? -ENOENT : 0;
}

void nw_resolved_leave(struct nw_domain *d, const struct nw_resolved *place)
{
    NW_FUZZ_CHECK(d == &domain && place->path[0] == '/');
}

int nw_resolved_open(const struct nw_domain *d, const struct nw_resolved *place, uint64_t flags, uint64_t mode)
{
    NW_FUZZ_CHECK(d == &domain && mode == 0 && (flags & O_ACCMODE) == O_RDONLY);
    return fcntl(files[strstr(place->path, "/lib") ? HOST : OWN], F_DUPFD_CLOEXEC, 0);
}

bool nw_resolved_is_host(const struct nw_resolved *place, int fd, bool *trust)
{
    *trust = is_file(fd, HOST) && strstr(place->path, "libc.so");
    return is_file(fd, HOST);
}

int nw_program_loader(void)
{
    return files[HOST];
}

int nw_program_stub(void)
{
    return files[HOST];
}

bool nw_library_is(const struct nw_library *library, int fd)
{
    NW_FUZZ_CHECK(fd >= 0);
    return !refuse(library->changed_ns % 16 == 1);
}

int nw_library_share(int fd)
{
    return fd;
}

void nw_library_drop(int fd)
{
    close(fd);
}

struct nw_images *nw_image_cache(bool host)
{
    static char caches[2];
    return (struct nw_images *)&caches[host];
}

int nw_images_acquire(struct nw_images *images, int fd, uint64_t offset, size_t length, bool patch,
                      struct nw_image **image, struct nw_image_refusal *refusal)
{
    static uint64_t id;
    size_t left = offset < FILE_SIZE ? FILE_SIZE - offset : 0;
    (void)refusal;
    NW_FUZZ_CHECK(images == nw_image_cache(patch) && (!patch || is_file(fd, HOST)) && length <= NW_IMAGE_SIZE_MAX);
    if (!left || !length || offset % NW_PAGE_SIZE)
        return -EINVAL;
    *image = calloc(1, sizeof **image);
    NW_FUZZ_CHECK(*image);
    (*image)->size = nw_page_up(left < length ? left : length);
    (*image)->fd = dup(files[is_file(fd, HOST) ? HOST_CODE : OWN_CODE]);
    NW_FUZZ_CHECK((*image)->fd >= 0 && (*image)->fd < (int)(sizeof image_sizes / sizeof image_sizes[0]));
    image_sizes[(*image)->fd] = (*image)->size;
    (*image)->id = id = id % 8 + 1;
    images_held++;
    return 0;
}

void nw_images_release(struct nw_images *images, struct nw_image *image)
{
    NW_FUZZ_CHECK(images && images_held > 0);
    images_held--;
    close(image->fd);
    free(image);
}

bool nw_code_seam_is_clean(const struct nw_image *before, uint64_t end, const struct nw_image *after, uint64_t start)
{
    NW_FUZZ_CHECK(end > 0 && end <= before->size && start < after->size);
    return !refuse(start == 3 * NW_PAGE_SIZE);
}

void nw_where_note_path(struct nw_where_files *where, enum nw_where_kind kind, uint64_t start, uint64_t size,
                        const char *path, uint64_t offset)
{
    (void)kind;
    (void)offset;
    NW_FUZZ_CHECK(where && path[0] && start >= FIRST && start + size <= END);
}

uint64_t nw_share_used(const struct nw_account *account, enum nw_resource r)
{
    NW_FUZZ_CHECK(account == &domain.account && r == NW_RESOURCE_MAPPINGS);
    return NW_MONITOR_MAPPINGS + 1;
}

int nw_share_take(struct nw_account *account, enum nw_resource r, uint64_t n)
{
    NW_FUZZ_CHECK(account == &domain.account);
    NW_FUZZ_CHECK(r == NW_RESOURCE_MAPPINGS ? n < NW_LIMIT_MAPPINGS : n <= MEMORY);
    return 0;
}

void nw_memory_settle(struct nw_memory *memory)
{
    NW_FUZZ_CHECK(memory == &domain.memory && memory->regions.charged <= MEMORY);
}

/* What is mapped from files, in the order of addresses; nobody may do anything there yet. */
static struct laid {
    uint64_t start, end;
    int fd;
} laid[NW_LIMIT_MAPPINGS];
static size_t n_laid;

static void check_place(uint64_t *done, uint64_t start, uint64_t length)
{
    NW_FUZZ_CHECK(start >= *done && length > 0 && start % NW_PAGE_SIZE == 0 && length % NW_PAGE_SIZE == 0);
    NW_FUZZ_CHECK(start >= FIRST && start < END && length <= END - start);
    *done = start + length;
}

static bool is_code(int fd)
{
    return is_file(fd, HOST_CODE) || is_file(fd, OWN_CODE);
}

int nw_pages_lay(uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset)
{
    check_place(&mapped_to, start, length);
    NW_FUZZ_CHECK(opened_to == FIRST && fcntl(fd, F_GETFD) >= 0 && flags & MAP_PRIVATE && !(flags & MAP_SHARED));
    NW_FUZZ_CHECK(offset % NW_PAGE_SIZE == 0 && offset + length > offset);
    NW_FUZZ_CHECK(is_code(fd) ? !(prot & PROT_WRITE) && offset + length <= image_sizes[fd] : !(prot & PROT_EXEC));
    NW_FUZZ_CHECK(fd != snapshot || offset + length <= tables.tail.contents);
    laid[n_laid++] = (struct laid){start, start + length, fd};
    return 0;
}

/* Rights for what was mapped there, or for memory that is empty. Only what nobody can write is for all. */
static void check_rights(const struct laid *there, int key, int prot)
{
    NW_FUZZ_CHECK(!(prot & PROT_EXEC) || (there && is_code(there->fd)));
    NW_FUZZ_CHECK(!(prot & PROT_WRITE) || !there || there->fd == snapshot);
    NW_FUZZ_CHECK(key == domain.memory.tag || (there && (is_file(there->fd, HOST) || is_file(there->fd, HOST_CODE))));
}

int nw_pages_protect(int key, uint64_t start, uint64_t length, int prot)
{
    const uint64_t end = start + length;
    uint64_t at = start;
    check_place(&opened_to, start, length);
    NW_FUZZ_CHECK(key == domain.memory.tag || (key == NW_KEY_SHARED && !(prot & PROT_WRITE)));
    NW_FUZZ_CHECK(!(prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)));
    for (size_t i = 0; i < n_laid; i++) {
        if (laid[i].end <= start || laid[i].start >= end)
            continue;
        if (at < laid[i].start)
            check_rights(NULL, key, prot);
        check_rights(&laid[i], key, prot);
        at = laid[i].end;
    }
    if (at < end)
        check_rights(NULL, key, prot);
    return 0;
}

int nw_pages_map(int key, uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset, bool *gone)
{
    (void)key, (void)start, (void)length, (void)prot, (void)flags, (void)fd, (void)offset, (void)gone;
    NW_FUZZ_CHECK(!"a part is mapped again");
    return -EINVAL;
}

/* --- what was read --- */

static void check_flows(void)
{
    for (int i = 0; i < NW_SNAPSHOT_FLOWS; i++) {
        const struct nw_file_flow *flow = &tables.tail.flows[i];
        NW_FUZZ_CHECK(flow->rsp >= FIRST && flow->rsp <= END - 8);
        NW_FUZZ_CHECK(flow->fs < 1ull << 47);
        NW_FUZZ_CHECK(flow->mxcsr <= 0xffff && flow->fcw <= 0xffff);
        NW_FUZZ_CHECK(!(flow->mask & NW_SIGNAL_UNTOUCHED) && flow->tid > 0);
        NW_FUZZ_CHECK(flow->inbox_size == 0 || (flow->inbox >= FIRST && flow->inbox_size <= END - flow->inbox));
    }
    NW_FUZZ_CHECK(tables.tail.flows[0].tid != tables.tail.flows[1].tid);
}

/* What no signal handler or mask may change stays as it is. */
static void check_actions(void)
{
    static const struct nw_signal_action none;
    for (int signal = 1; signal <= NW_SIGNALS; signal++)
        NW_FUZZ_CHECK(!(NW_SIGNAL_BIT(signal) & NW_SIGNAL_UNTOUCHED) ||
                      memcmp(&tables.tail.actions[signal - 1], &none, sizeof none) == 0);
}

static void check_texts(void)
{
    for (size_t i = 0; i < tables.tail.n_libraries; i++)
        NW_FUZZ_CHECK(memchr(tables.libraries[i].path, '\0', sizeof tables.libraries[i].path));
}

/* Nothing of it may be mapped unless all of it is charged for. */
static void put(void)
{
    struct nw_memory *memory = &domain.memory;
    char why[NW_REASON_MAX] = "";
    int fd = fcntl(snapshot, F_DUPFD_CLOEXEC, 0);
    struct nw_picture *picture = nw__picture_open(&domain, fd, &tables, why);
    NW_FUZZ_CHECK(picture ? !refused : why[0] != '\0');
    if (!picture)
        return;
    snapshot = fd;
    NW_FUZZ_CHECK(nw__picture_put(memory, picture) == 0);
    NW_FUZZ_CHECK(nw_regions_is_valid(&memory->regions) && memory->code.bytes <= MEMORY);
    nw__picture_free(picture);
}

static void set_up(void)
{
    function = (struct nw_deployed){.range = BASE, .slots = 2, .memory = MEMORY, .so = files[OWN]};
    domain.function = &function;
    domain.memory = (struct nw_memory){.base = BASE,
                                       .end = BASE + NW_DOMAIN_RANGE,
                                       .lock = PTHREAD_MUTEX_INITIALIZER,
                                       .tag = NW_KEY_PARKED,
                                       .account = &domain.account,
                                       .limit = MEMORY,
                                       .own_file = files[OWN]};
    mapped_to = opened_to = FIRST;
    n_laid = 0;
    refused = false;
    NW_FUZZ_CHECK(nw_regions_init(&domain.memory.regions, FIRST, END, NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS, true) ==
                  0);
}

static void tear_down(void)
{
    free(domain.memory.code.images);
    nw_regions_fini(&domain.memory.regions);
    NW_FUZZ_CHECK(images_held == 0);
}

static int make_file(const char *name, uint64_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    NW_FUZZ_CHECK(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    return fd;
}

static void make_files(void)
{
    for (int i = 0; i < FILES && !files[FILES - 1]; i++)
        files[i] = make_file("a file", FILE_SIZE);
}

/* So many pages of contents, which are zeros, and the bytes behind them. */
static int make_snapshot(uint64_t pages, bool sealed, const struct nw_fuzz_input *rest)
{
    int fd = make_file("a snapshot", pages * NW_PAGE_SIZE);
    NW_FUZZ_CHECK(pwrite(fd, rest->data, rest->left, (off_t)(pages * NW_PAGE_SIZE)) == (ssize_t)rest->left);
    NW_FUZZ_CHECK(!sealed || fcntl(fd, F_ADD_SEALS, SEALS) == 0);
    return fd;
}

static int lowest_free(void)
{
    int fd = dup(files[HOST]);
    close(fd);
    return fd;
}

/* The first byte says how many pages of contents come before the rest, the second whether the file is sealed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_fuzz_input input = {data, size};
    uint64_t pages = nw_fuzz_take(&input, 1);
    bool sealed = nw_fuzz_take(&input, 1);
    const char *why = NULL;
    make_files();
    const int free_before = lowest_free(), fd = make_snapshot(pages, sealed, &input);
    snapshot = fd;
    set_up();
    int error = nw__tables_read(fd, BASE, MACHINE, &tables, &why);
    NW_FUZZ_CHECK(error == 0 ? sealed : why != NULL);
    if (error == 0) {
        check_flows();
        check_actions();
        check_texts();
        put();
        nw__tables_free(&tables);
    }
    tear_down();
    close(fd);
    NW_FUZZ_CHECK(lowest_free() == free_before);
    return 0;
}
