/* See attack_damage.h. */
#include "worker/test/attack/driver/attack_damage.h"
#include "common/test/test.h"
#include "worker/test/attack/attack_host.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct attack_damage attack_damages[] = {
    {"an empty file", 0, {0}, 0, 1},
    {"cut in its ELF header", 0, {0}, 0, 40},
    {"cut in its program headers", 0, {0}, 0, 100},
    {"cut in its code", 0, {0}, 0, 4200},
    {"no ELF magic", 0, {'E'}, 1, 0},
    {"32 bit", 4, {1}, 1, 0},
    {"big endian", 5, {2}, 1, 0},
    {"another machine", 18, {0xb7}, 1, 0},
    {"an object file", 16, {1}, 1, 0},
    {"program headers outside of the file", 32, {0xff, 0xff, 0xff, 0x7f}, 4, 0},
    {"program headers that wrap", 32, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, 0},
    {"65535 program headers", 56, {0xff, 0xff}, 2, 0},
    {"a segment outside of the file", 64 + 8, {0, 0, 0, 0x7f}, 4, 0},
    {"a segment at the end of the address space", 64 + 16, {0, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, 0},
    {"a segment larger than memory", 64 + 40, {0, 0, 0, 0, 0, 0, 0, 0x7f}, 8, 0},
    {"segments that overlap", 64 + 40, {0, 0x40}, 2, 0},
    {"a segment with an alignment of 2^62", 64 + 48, {0, 0, 0, 0, 0, 0, 0, 0x40}, 8, 0},
};
const size_t attack_damages_count = sizeof attack_damages / sizeof attack_damages[0];

int nw_attack_damaged(const struct attack_damage *d)
{
    static uint8_t bytes[1 << 20];
    int from = open(nw_attack_path("bare"), O_RDONLY), to = memfd_create("damaged", MFD_CLOEXEC);
    ssize_t size = read(from, bytes, sizeof(bytes));

    close(from);
    assert_true(to >= 0 && size > 0);
    memcpy(bytes + d->offset, d->bytes, d->length);
    size = d->keep ? (ssize_t)d->keep : size;
    assert_int_equal(write(to, bytes, (size_t)size), size);
    return to;
}

#define CODE 10 /* bytes of it */

size_t nw_attack_put_code(uint8_t *bytes, size_t size)
{
    static const uint8_t mark[] = {0x48, 0xb8, 'c', 'h', 'a', 'n', 'g', 'i', 'n', 'g', 0xc3};
    static const uint8_t code[CODE] = {0x31, 0xc0, 0x31, 0xc9, 0x31, 0xd2, 0x0f, 0x01, 0xef, 0xc3};
    uint8_t *at = memmem(bytes, size, mark, sizeof(mark));

    assert_non_null(at);
    memcpy(at, code, sizeof(code));
    return (size_t)(at - bytes);
}

uint32_t nw_attack_load_changing(void)
{
    static uint8_t bytes[1 << 20];
    int from = open(nw_attack_path("memory"), O_RDONLY), fd = memfd_create("changing", MFD_CLOEXEC);
    ssize_t size = read(from, bytes, sizeof(bytes));
    uint32_t deployment;
    char path[64];
    size_t at;

    close(from);
    assert_int_equal(write(fd, bytes, (size_t)size), size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    deployment = nw_attack_must_load("changing", path, 1, NW_ATTACK_PATIENT);
    at = nw_attack_put_code(bytes, (size_t)size);
    assert_int_equal(pwrite(fd, bytes + at, CODE, (off_t)at), CODE);
    close(fd);
    return deployment;
}
