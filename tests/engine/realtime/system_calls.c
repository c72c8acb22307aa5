/* System calls: a child that is ended by the kernel if it makes one. */
#define _GNU_SOURCE /* syscall */

#include "driver.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only read, write, exit and the return from a signal. Strict mode where it may be entered, and elsewhere (a container that
 * filters system calls already) a filter that lets the same four through. */
static int seal(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_read, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0)
        return 1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void nothing(void) {}
static void nothing_after(const char *call) {
    (void)call;
}

/* Hop by hop for so many seconds of audio; rows that came out. */
static long long push_hops(pylstm_stream *stream, const float *second, float *out, long seconds) {
    long long all = 0;
    size_t at, rows;
    for (; seconds > 0; seconds--) {
        for (at = 0; at < 16000; at += 160) {
            if (pylstm_stream_push(stream, PYLSTM_FLOAT32, second + at, 160, sizeof(float), out, 20, &rows))
                return -1;
            all += (long long)rows;
        }
    }
    return all;
}

/* Hop by hop for so many seconds of audio; events that came out. */
static long long hear_hops(pylstm_listener *listener, const float *second, long seconds) {
    pylstm_event events[8];
    long long all = 0;
    size_t at;
    for (; seconds > 0; seconds--) {
        for (at = 0; at < 16000; at += 160) {
            pylstm_hearing part = {.listener = listener,
                                   .type = PYLSTM_FLOAT32,
                                   .data = second + at,
                                   .n = 160,
                                   .stride = 4,
                                   .events = events,
                                   .max_events = 8};
            if (pylstm_listener_push(&part))
                return -1;
            all += (long long)part.n_events;
        }
    }
    return all;
}

/* The child of one sealing: leaves by a bare exit, since the library's ends with another call. */
static void live_sealed(walk **walks, int n, pylstm_stream *stream, pylstm_listener *listener, const float *second, float *out,
                        long seconds, int result) {
    const guard around = {nothing, nothing_after};
    long long answer[3] = {0, 0, 0};
    long calls = 0;
    int k;
    if (!seal()) {
        answer[0] = -errno;
        answer[1] = -77;
    } else {
        for (k = 0; k < n; k++)
            walk_run(walks[k], &around, &calls);
        answer[0] = calls;
        answer[1] = push_hops(stream, second, out, seconds);
        answer[2] = hear_hops(listener, second, seconds);
    }
    syscall(SYS_exit, write(result, answer, sizeof answer) != sizeof answer);
}

int push_sealed(long seconds, char **paths, int n) {
    walk **walks = walks_of(paths, n);
    const pylstm_setting few[] = {{"smoothing_frames", "5"}, {"threshold", "0.4"}};
    pylstm_model *model = read_model(paths[0]), *hearing = read_model(paths[n - 1]);
    float *second = malloc(16000 * sizeof *second), *out = malloc(20 * sizeof *out * (size_t)pylstm_model_n_outputs(model));
    pylstm_stream *stream;
    pylstm_decision *words;
    pylstm_listener *listener;
    long long answer[3];
    int ends[2], state, k;
    pid_t child;
    if (pylstm_stream_create(model, &stream) || pipe(ends) || !second || !out)
        fail("no stream, no pipe or no memory");
    if (pylstm_decision_create(hearing, few, 2, &words, NULL) || pylstm_listener_create(words, &listener))
        fail("no listener");
    for (k = 0; k < 16000; k++) /* loud and quiet by turns */
        second[k] = ((float)(k * 7919 % 16001) / 16001.0f - 0.5f) * (k / 4000 % 2 ? 1.0f : 0.01f);
    if ((child = fork()) == 0)
        live_sealed(walks, n, stream, listener, second, out, seconds, ends[1]);
    if (child < 0 || waitpid(child, &state, 0) != child)
        fail("no child");
    if (!WIFEXITED(state) || WEXITSTATUS(state)) {
        printf("the sealed process ended by signal %d\n", WIFSIGNALED(state) ? WTERMSIG(state) : 0);
        return 1;
    }
    if (read(ends[0], answer, sizeof answer) != sizeof answer)
        fail("no answer");
    if (answer[1] == -77) {
        printf("no seccomp here: %s\n", strerror((int)-answer[0]));
        return CANNOT;
    }
    printf("%lld calls, %ld seconds, %lld rows, %lld events\n", answer[0], seconds, answer[1], answer[2]);
    return 0;
}

/* What a sealed child must not live through; and that one which does nothing lives. */
int break_seal(const char *path) {
    pylstm_model *model = read_model(path);
    int trial;
    for (trial = 0; trial < 3; trial++) {
        int state;
        const pid_t child = fork();
        if (child == 0) {
            if (!seal())
                syscall(SYS_exit, CANNOT);
            if (trial == 1)
                syscall(SYS_getppid);
            if (trial == 2) { /* more than any heap has at hand: memory from the system */
                pylstm_batch *batch;
                (void)pylstm_batch_create(model, 256, &batch);
            }
            syscall(SYS_exit, 0);
        }
        if (child < 0 || waitpid(child, &state, 0) != child)
            fail("no child");
        if (WIFEXITED(state) && WEXITSTATUS(state) == CANNOT) {
            printf("no seccomp here\n");
            return CANNOT;
        }
        printf("%s\n", WIFSIGNALED(state) ? "killed" : "lives");
    }
    return 0;
}
