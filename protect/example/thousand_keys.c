/*
 * A thousand keys on a CPU that has fifteen. Each key guards a page with an account balance; a page can be reached only
 * while its key is open.
 *
 *     cc thousand_keys.c $(pkg-config --cflags --libs libprotect) && ./a.out
 */
#include <nightward/protect.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCOUNTS = 1000, PAGE = 4096 };

struct account {
    nw_pkey key;
    long *balance;
};

static void check(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "thousand_keys: cannot %s: %s\n", what, strerror(-error));
    exit(1);
}

static void make_account(struct account *account, long balance)
{
    account->balance = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (account->balance == MAP_FAILED) {
        perror("thousand_keys: mmap");
        exit(1);
    }
    *account->balance = balance;
    check(nw_pkey_alloc(0, NW_PKEY_NO_ACCESS, &account->key), "make a key");
    check(nw_pkey_mprotect(account->balance, PAGE, PROT_READ | PROT_WRITE, account->key), "give a page its key");
}

static long read_balance(const struct account *account)
{
    check(nw_pkey_set(account->key, NW_PKEY_NO_WRITE), "open a key");
    long balance = *account->balance;
    check(nw_pkey_set(account->key, NW_PKEY_NO_ACCESS), "close a key");
    return balance;
}

/* Reads all accounts of which the key is closed, each in a process of its own. How many could be read. */
static int count_readable(const struct account *accounts, int step)
{
    int readable = 0;

    for (int i = 0; i < ACCOUNTS; i += step) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            _exit(*(volatile long *)accounts[i].balance < 0);
        }
        waitpid(child, &status, 0);
        readable += WIFEXITED(status);
    }
    return readable;
}

int main(void)
{
    static struct account accounts[ACCOUNTS];
    long sum = 0;
    int limit = nw_pkey_limit();

    if (limit < 0)
        check(limit, "use protection keys on this machine");
    for (int i = 0; i < ACCOUNTS; i++)
        make_account(&accounts[i], i);
    for (int i = 0; i < ACCOUNTS; i++)
        sum += read_balance(&accounts[i]);
    printf("%d keys, %d of them open at a time; the balances add up to %ld\n", ACCOUNTS, limit, sum);
    printf("of %d closed accounts, %d could be read\n", ACCOUNTS / 20, count_readable(accounts, 20));
    return 0;
}
