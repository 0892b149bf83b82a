// SPDX-License-Identifier: MIT
// For libraries that can use threads: there are none here.
#ifndef K210_STUB_PTHREAD_H
#define K210_STUB_PTHREAD_H

typedef int pthread_mutex_t;
typedef int pthread_cond_t;
typedef int pthread_t;

static inline int pthread_mutex_init(pthread_mutex_t *m, const void *attr) {
    (void)attr;
    return *m = 0;
}
static inline int pthread_mutex_lock(pthread_mutex_t *m) {
    return *m = 0;
}
static inline int pthread_mutex_unlock(pthread_mutex_t *m) {
    return *m = 0;
}

#endif
