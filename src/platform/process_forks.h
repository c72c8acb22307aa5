/* How often the process has been forked since the library was loaded, to notice what a fork left behind.
 *
 * fork() copies memory, but of the threads only the one that calls it. What the others held is then held by nobody: flags say
 * "in use", worker threads are missing. Whoever takes something for long notes this number beside it; where the number is
 * another one later, the holder was left behind in the parent.
 */
#ifndef PYLSTM_PLATFORM_PROCESS_FORKS_H
#define PYLSTM_PLATFORM_PROCESS_FORKS_H

#if defined(_WIN32) || defined(__wasi__) || defined(PYLSTM_NO_THREADS)

/* Nothing forks here, or no other thread holds anything when it does. */
static inline int pylstm_process_forks(void) {
    return 1;
}

#else

/* Written in the child of a fork while it has one thread, otherwise only read. */
extern int pylstm_forks_counted;

/* 1 in the process that loaded the library, one more in a child of it, and so on. Costs a load: [rt]. Children that are made
 * around fork(), by clone() or _Fork(), are not noticed. */
static inline int pylstm_process_forks(void) {
    return pylstm_forks_counted;
}

#endif
#endif
