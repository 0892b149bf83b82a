/*
 * Kendryte K210: the twelve words of a KPU layer, and what a layer costs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "k210_kpu_internal.h"

static bool illegal(char *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool illegal(char *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, K210_KPU_ERR_SIZE, fmt, ap);
    va_end(ap);
    return false;
}

static uint32_t bits(uint64_t word, unsigned shift, unsigned length)
{
    return (word >> shift) & ((1ull << length) - 1);
}

static int64_t signed_bits(uint64_t word, unsigned shift, unsigned length)
{
    return (int64_t)(word << (64 - shift - length)) >> (64 - length);
}

/* Lines from the first one to the last one that a map touches, plus one. */
static uint64_t map_lines(const K210KpuMap *m)
{
    uint64_t groups = (m->channels + m->group - 1) / m->group;
    uint32_t pitch = K210_KPU_LINE / m->group;
    uint64_t last = (uint64_t)((m->channels - 1) % m->group) * pitch +
                    m->width - 1;

    /* Channels of the last group beside each other: the widest one counts. */
    if (groups > 1 || m->channels >= m->group) {
        last = (uint64_t)(m->group - 1) * pitch + m->width - 1;
    }
    return (groups - 1) * m->channel_lines +
           (uint64_t)(m->height - 1) * m->row_lines +
           last / K210_KPU_LINE + 1;
}

static bool check_map(const K210KpuMap *m, const char *what, char *err)
{
    if (m->group != 1 && m->group != 2 && m->group != 4) {
        return illegal(err, "%s has %u channels per line, not 1, 2 or 4",
                       what, m->group);
    }
    if ((uint64_t)m->width * m->height * m->channels > K210_KPU_RAM_SIZE) {
        return illegal(err, "%s of %ux%ux%u is larger than KPU RAM", what,
                       m->channels, m->height, m->width);
    }
    if (m->line + map_lines(m) > K210_KPU_RAM_LINES) {
        return illegal(err, "%s of %ux%ux%u at line %u ends outside KPU RAM",
                       what, m->channels, m->height, m->width, m->line);
    }
    return true;
}

/* Step of each pooling type, 0 for codes that do not exist. */
static const uint8_t pool_stride[16] = { 1, 2, 2, 4, 4, 2, 2, 4, 1, 1 };

bool k210_kpu_decode(const uint64_t words[K210_KPU_LAYER_WORDS],
                     bool eight_bit, K210KpuLayer *l,
                     char err[K210_KPU_ERR_SIZE])
{
    uint32_t kernel_type, width, height;

    memset(l, 0, sizeof(*l));
    l->eight_bit = eight_bit;
    l->int_en = bits(words[0], 0, 1);
    l->full_add = bits(words[0], 2, 1);
    l->depthwise = bits(words[0], 3, 1);
    l->in.line = bits(words[1], 0, 15);
    l->out.line = bits(words[1], 32, 15);
    l->in.channels = bits(words[2], 0, 10) + 1;
    l->out.channels = bits(words[2], 32, 10) + 1;
    l->channels_per_load = bits(words[2], 48, 10) + 1;
    l->in.width = bits(words[3], 0, 10) + 1;
    l->in.height = bits(words[3], 10, 9) + 1;
    l->out.width = bits(words[3], 32, 10) + 1;
    l->out.height = bits(words[3], 42, 9) + 1;
    kernel_type = bits(words[4], 0, 3);
    l->kernel = kernel_type ? 3 : 1;
    l->pool_type = bits(words[4], 4, 4);
    l->first_stride = bits(words[4], 8, 1);
    l->bypass_conv = bits(words[4], 9, 1);
    l->load_bn = bits(words[4], 10, 1);
    l->pad_value = bits(words[4], 24, 8);
    l->bn_addr = words[4] >> 32;
    l->load_weights = bits(words[5], 0, 1);
    l->loads = bits(words[5], 1, 6) + 1;
    l->bytes_per_load = bits(words[5], 15, 17);
    l->weights_addr = words[5] >> 32;
    l->in.channel_lines = bits(words[7], 0, 15);
    l->in.row_lines = bits(words[7], 16, 4);
    l->in.group = bits(words[7], 28, 3);
    l->load_act = bits(words[7], 31, 1);
    l->act_addr = words[7] >> 32;
    l->out.channel_lines = bits(words[8], 0, 15);
    l->out.row_lines = bits(words[8], 16, 4);
    l->out.group = bits(words[8], 20, 3);
    l->shr_w = bits(words[9], 0, 4);
    l->shr_x = bits(words[9], 4, 4);
    l->arg_w = signed_bits(words[9], 8, 24);
    l->arg_x = signed_bits(words[9], 32, 24);
    l->arg_add = signed_bits(words[10], 0, 40);
    l->send_data_out = bits(words[11], 0, 1);
    l->channel_bytes = bits(words[11], 16, 16) + 1;
    l->stream_bytes = (words[11] >> 32) + 1;

    if (kernel_type > 1) {
        return illegal(err, "kernel_type %u is neither 1x1 nor 3x3",
                       kernel_type);
    }
    if (!pool_stride[l->pool_type]) {
        return illegal(err, "pool_type %u does not exist", l->pool_type);
    }
    if ((l->depthwise || l->bypass_conv) &&
        l->in.channels != l->out.channels) {
        return illegal(err, "%u input and %u output channels without a sum "
                       "over channels", l->in.channels, l->out.channels);
    }
    if (!check_map(&l->in, "input", err)) {
        return false;
    }

    l->stride = pool_stride[l->pool_type];
    if (l->first_stride) {
        /*
         * The compiler of 2018 means stride 2 by this bit. MaixPy sets it for
         * tall pictures and expects as many pixels as went in: the output
         * size tells them apart.
         */
        if (l->pool_type == 0 && (l->out.width != l->in.width ||
                                  l->out.height != l->in.height)) {
            l->stride = 2;
        }
    }
    width = l->in.width / l->stride;
    height = l->in.height / l->stride;
    /* Both rounded up and down are in use for first_stride. */
    if (l->first_stride && l->stride == 2 && l->pool_type == 0) {
        width = l->out.width == (l->in.width + 1) / 2 ? l->out.width : width;
        height = l->out.height == (l->in.height + 1) / 2 ? l->out.height
                                                          : height;
    }
    if (l->out.width != width || l->out.height != height) {
        return illegal(err, "output of %ux%u, but %ux%u pooled by type %u "
                       "gives %ux%u", l->out.width, l->out.height,
                       l->in.width, l->in.height, l->pool_type, width,
                       height);
    }
    if (l->full_add) {
        /* No map is written, so its words need not make sense. */
        if ((uint64_t)width * height * l->out.channels > K210_KPU_RAM_SIZE) {
            return illegal(err, "output of %ux%ux%u is larger than KPU RAM",
                           l->out.channels, height, width);
        }
    } else if (!check_map(&l->out, "output", err)) {
        return false;
    }
    return true;
}

const K210KpuLayer *k210_kpu_layer(const K210KpuArith *a)
{
    return &a->layer;
}

bool k210_kpu_maps_overlap(const K210KpuLayer *l)
{
    return !l->full_add &&
           l->in.line < l->out.line + map_lines(&l->out) &&
           l->out.line < l->in.line + map_lines(&l->in);
}

void k210_kpu_output_range(const K210KpuLayer *l, size_t *start,
                           size_t *length)
{
    *start = (size_t)l->out.line * K210_KPU_LINE;
    *length = l->full_add ? 0 : map_lines(&l->out) * K210_KPU_LINE;
}

/*
 * Fitted to the one published measurement (16-bit weights, 128 to 128
 * channels, 3x3, ten sizes from 4x4 to 256x256 at 300 MHz), which it meets
 * within 11 %: one line of 64 pixels times one 3x3 kernel per clock, 2.5 %
 * more for row ends, and 2.9 bytes of weights per clock, of which about a
 * third hides behind the computation. That a 1x1 kernel takes an eighth is
 * what the compilers assume. Reading and writing the maps is included.
 */
uint64_t k210_kpu_cycles(const K210KpuLayer *l)
{
    uint64_t groups = (l->in.channels + l->in.group - 1) / l->in.group;
    uint32_t row = l->in.row_lines ? l->in.row_lines : 1;
    uint64_t lines = groups * l->in.height * row;
    uint64_t taps = l->kernel * l->kernel;
    uint64_t bytes, fetch, work;

    if (l->depthwise || l->bypass_conv) {
        work = lines;
        bytes = l->out.channels * taps;
    } else {
        work = lines * l->out.channels;
        if (l->kernel == 1) {
            work = (work + 7) / 8;
        }
        bytes = (uint64_t)l->out.channels * l->in.channels * taps;
    }
    if (l->bypass_conv || !l->load_weights) {
        bytes = 0;
    } else if (!l->eight_bit) {
        bytes *= 2;
    }
    bytes += 8 * l->out.channels + K210_KPU_ACT_SIZE;
    fetch = bytes * 10 / 29;
    work += work / 40 + fetch * 7 / 10;
    return work > fetch ? work : fetch;
}
