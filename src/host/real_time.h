#pragma once
// For the few threads that must not be late on a busy machine.

#include <pthread.h>
#include <sched.h>

namespace belay::host {

/// The calling thread before all that has no priority or a lower one; 1 to 99. Where the system does not let
/// us, it stays as it is. What it starts does not inherit it.
inline void run_before_others(int priority)
{
    const sched_param wanted{.sched_priority = priority};
    pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &wanted);
}

/// Its holder runs with the priority of the highest that waits for it: one of real-time priority does not
/// wait until an ordinary one that holds it gets its turn among the busy.
class InheritingMutex {
  public:
    InheritingMutex()
    {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&mutex_, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    ~InheritingMutex() { pthread_mutex_destroy(&mutex_); }
    InheritingMutex(const InheritingMutex&) = delete;
    InheritingMutex& operator=(const InheritingMutex&) = delete;

    void lock() { pthread_mutex_lock(&mutex_); }
    void unlock() { pthread_mutex_unlock(&mutex_); }

  private:
    pthread_mutex_t mutex_{};
};

}  // namespace belay::host
