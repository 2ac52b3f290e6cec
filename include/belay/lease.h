/* For applications of a pair: may I serve now?
 *
 * Belay gives the one of a pair that serves a lease, renews it all the time, and ends the application by
 * force where it cannot be renewed. A machine that was frozen as a whole may wake up, though, and run its
 * application for a moment before anybody can end it. So an application that must never act beside the other
 * one asks before each thing that it does:
 *
 *     const struct belay_lease* lease = belay_lease_open();   // once; NULL: not of a pair
 *     ...
 *     if (!belay_lease_is_held(lease)) return;
 *     write_it(belay_lease_token(lease), ...);
 *
 * The token is higher for each lease: whoever takes orders from the pair can refuse what comes with a lower
 * one than it has seen, which also covers a freeze between question and act.
 *
 * C and C++, this file alone. Linux.
 */
#ifndef BELAY_LEASE_H
#define BELAY_LEASE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

struct belay_lease {
    uint64_t until; /* microseconds of CLOCK_BOOTTIME; 0: not held */
    uint64_t token;
};

static inline const struct belay_lease* belay_lease_open(void)
{
    const char* const number = getenv("BELAY_LEASE_FD");
    void* at;
    if (number == NULL) return NULL;
    at = mmap(NULL, sizeof(struct belay_lease), PROT_READ, MAP_SHARED, atoi(number), 0);
    return at == MAP_FAILED ? NULL : (const struct belay_lease*)at;
}

static inline int belay_lease_is_held(const struct belay_lease* lease)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u <
           __atomic_load_n(&lease->until, __ATOMIC_SEQ_CST);
}

static inline uint64_t belay_lease_token(const struct belay_lease* lease)
{
    return __atomic_load_n(&lease->token, __ATOMIC_SEQ_CST);
}

#endif
