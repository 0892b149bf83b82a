/*
 * Kendryte K210: helper threads for the KPU's arithmetic
 *
 * The caller works as well and never waits for a helper that the host has not
 * woken up yet, so a busy host costs nothing but the helper.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "hw/k210/k210_kpu_threads.h"

struct K210KpuThreads {
    QemuMutex lock;
    QemuCond work;              /* for helpers: there is something to do */
    QemuCond idle;              /* for the caller: no helper is inside */
    QemuThread *threads;
    unsigned helpers;
    unsigned inside;
    bool quit;

    /* The job; fn is NULL when there is none. */
    void (*fn)(void *arg, unsigned i);
    void *arg;
    unsigned n;
    unsigned next;
};

static void take_parts(K210KpuThreads *t)
{
    unsigned i;

    while ((i = qatomic_fetch_inc(&t->next)) < t->n) {
        t->fn(t->arg, i);
    }
}

static void *helper(void *opaque)
{
    K210KpuThreads *t = opaque;

    qemu_mutex_lock(&t->lock);
    while (!t->quit) {
        if (!t->fn || qatomic_read(&t->next) >= t->n) {
            qemu_cond_wait(&t->work, &t->lock);
            continue;
        }
        t->inside++;
        qemu_mutex_unlock(&t->lock);
        take_parts(t);
        qemu_mutex_lock(&t->lock);
        if (--t->inside == 0) {
            qemu_cond_signal(&t->idle);
        }
    }
    qemu_mutex_unlock(&t->lock);
    return NULL;
}

void k210_kpu_threads_run(void *opaque, unsigned n,
                          void (*fn)(void *arg, unsigned i), void *arg)
{
    K210KpuThreads *t = opaque;

    if (n < 2 || !t->helpers) {
        for (unsigned i = 0; i < n; i++) {
            fn(arg, i);
        }
        return;
    }
    qemu_mutex_lock(&t->lock);
    t->fn = fn;
    t->arg = arg;
    t->n = n;
    qatomic_set(&t->next, 0);
    qemu_cond_broadcast(&t->work);
    qemu_mutex_unlock(&t->lock);

    take_parts(t);

    qemu_mutex_lock(&t->lock);
    while (t->inside) {
        qemu_cond_wait(&t->idle, &t->lock);
    }
    t->fn = NULL;
    qemu_mutex_unlock(&t->lock);
}

K210KpuThreads *k210_kpu_threads_new(unsigned helpers)
{
    K210KpuThreads *t = g_new0(K210KpuThreads, 1);

    qemu_mutex_init(&t->lock);
    qemu_cond_init(&t->work);
    qemu_cond_init(&t->idle);
    t->helpers = helpers;
    t->threads = g_new0(QemuThread, helpers);
    for (unsigned i = 0; i < helpers; i++) {
        qemu_thread_create(&t->threads[i], "k210-kpu-helper", helper, t,
                           QEMU_THREAD_JOINABLE);
    }
    return t;
}

void k210_kpu_threads_free(K210KpuThreads *t)
{
    if (!t) {
        return;
    }
    qemu_mutex_lock(&t->lock);
    t->quit = true;
    qemu_cond_broadcast(&t->work);
    qemu_mutex_unlock(&t->lock);
    for (unsigned i = 0; i < t->helpers; i++) {
        qemu_thread_join(&t->threads[i]);
    }
    qemu_cond_destroy(&t->idle);
    qemu_cond_destroy(&t->work);
    qemu_mutex_destroy(&t->lock);
    g_free(t->threads);
    g_free(t);
}
