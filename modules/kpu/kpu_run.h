// SPDX-License-Identifier: MIT
//
// Runs a loaded model layer by layer on a backend.

#ifndef MODULES_KPU_RUN_H
#define MODULES_KPU_RUN_H

#include "kpu_stream.h"
#include "kpu_types.h"

typedef enum {
    KPU_RUN_IDLE,               // no input yet, or stopped
    KPU_RUN_NEXT,               // ready to start node `pos`
    KPU_RUN_FETCH,              // weights of node `pos` are on their way
    KPU_RUN_WAIT,               // the backend computes node `pos`
    KPU_RUN_DONE,               // nodes 0..end-1 have run
} kpu_run_state_t;

typedef struct {
    kpu_net_t *net;
    const kpu_backend_t *backend;
    kpu_stream_t *stream;       // NULL: all weights are in memory
    kpu_run_state_t state;
    uint32_t pos, end;
    uint32_t batch;
    kpu_chunk_t chunk;          // what of a streamed layer runs
} kpu_run_t;

void kpu_run_init(kpu_run_t *run, kpu_net_t *net, const kpu_backend_t *backend, kpu_stream_t *stream);

// Gives the model its input: packed CHW bytes, or floats, as net->inputs[i] says. size must be
// that of the input (KPU_ERR_SIZE).
int kpu_run_input(kpu_run_t *run, uint32_t i, const void *src, size_t size, char *err);

// Starts from the first node and stops before node `end` (at most net->n_nodes).
int kpu_run_start(kpu_run_t *run, uint32_t end, char *err);

// After KPU_RUN_DONE: goes on to a later end without a new input.
int kpu_run_continue(kpu_run_t *run, uint32_t end, char *err);

// Does one step and returns: starts a KPU layer, looks whether it is done, or runs a CPU layer.
// Call until run->state is KPU_RUN_DONE. The caller decides what to do between the steps; in the states
// FETCH and WAIT it may sleep until an interrupt.
int kpu_run_step(kpu_run_t *run, char *err);

// Gives up a run, also in the middle of a layer.
void kpu_run_stop(kpu_run_t *run);

// Bytes of the result of a node; 0 when it has none.
uint32_t kpu_node_result_size(const kpu_node_t *node);

// Copies the result of the node that has just run: CHW bytes of a KPU layer, or what a CPU layer
// wrote. Later nodes overwrite results, so it works only for the last node of the run.
int kpu_run_result(kpu_run_t *run, void *dst, size_t size, char *err);

#endif // MODULES_KPU_RUN_H
