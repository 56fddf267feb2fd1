/* A clock of one process's own, for the fault "the clock steps back": preloaded, it adds the seconds that stand in the
 * file named by SANCHAR_TESTS_CLOCK to the time of day. Monotonic time is left alone, as it is when a real clock is set.
 * For the fault tests alone. A wait until a time of day ends when this clock shows it, unless the clock is set meanwhile. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_seconds;

__attribute__((constructor)) static void find_offset(void)
{
    const char *path = getenv("SANCHAR_TESTS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *shared = mmap(NULL, sizeof *offset_seconds, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED)
        offset_seconds = shared;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && offset_seconds)
        time->tv_sec += *offset_seconds;
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    int result = (int)syscall(SYS_gettimeofday, time, zone);
    if (result == 0 && offset_seconds)
        time->tv_sec += *offset_seconds;
    return result;
}

time_t time(time_t *stored)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (stored)
        *stored = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *time, int base)
{
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, time);
    return base;
}

/* Waits until a moment of this clock. librdkafka waits in the second way. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct timespec shifted = *until;
    if (offset_seconds)
        shifted.tv_sec -= *offset_seconds;
    return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &shifted);
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    switch (pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until)) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}
