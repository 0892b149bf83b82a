// SPDX-License-Identifier: MIT

#include <stdarg.h>
#include <stdio.h>

#include "kpu_layer.h"

int kpu_fail(char *err, int status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(err, KPU_ERR_LEN, fmt, args);
    va_end(args);
    return status;
}

// Output size = input size / step, by pool type.
static const uint8_t pool_step[] = { 1, 2, 2, 4, 4, 2, 2, 4, 1, 1 };

static bool maps_overlap(const kpu_map_t *a, const kpu_map_t *b) {
    return a->line < b->line + kpu_map_lines(b) && b->line < a->line + kpu_map_lines(a);
}

// load_time and para_size must cut the weights into pieces that hold all output channels.
static int check_loads(const uint64_t *words, const kpu_conv_t *conv, uint32_t bytes_per_channel, char *err) {
    uint32_t per_load = kpu_word_field(words, 2, 48, 10) + 1;
    uint32_t loads = kpu_word_field(words, 5, 1, 6) + 1;
    uint32_t para_size = kpu_word_field(words, 5, 15, 17);
    uint32_t want_loads = (conv->out.c + per_load - 1) / per_load;
    if (loads != want_loads) {
        return kpu_fail(err, KPU_ERR_FORMAT, "%u parameter loads of %u channels for %u output channels, must be %u",
            (unsigned)loads, (unsigned)per_load, conv->out.c, (unsigned)want_loads);
    }
    if (para_size != per_load * bytes_per_channel) {
        return kpu_fail(err, KPU_ERR_FORMAT, "para_size is %u, %u channels of %u bytes need %u",
            (unsigned)para_size, (unsigned)per_load, (unsigned)bytes_per_channel,
            (unsigned)(per_load * bytes_per_channel));
    }
    return KPU_OK;
}

int kpu_conv_decode(const uint64_t words[12], bool eight_bit, kpu_conv_t *conv, char *err) {
    for (unsigned i = 0; i < 12; ++i) {
        conv->words[i] = words[i];
    }
    // What software owns: interrupt, output stream, addresses.
    conv->words[0] &= ~1ull;
    conv->words[4] &= 0xffffffffull;
    conv->words[5] &= 0xffffffffull;
    conv->words[7] &= 0xffffffffull;
    conv->words[11] &= ~1ull;

    uint32_t kernel = kpu_word_field(words, 4, 0, 3);
    conv->kernel = kernel ? 3 : 1;
    conv->pool = kpu_word_field(words, 4, 4, 4);
    conv->depthwise = kpu_word_field(words, 0, 3, 1);
    conv->batches = 1;
    conv->in = (kpu_map_t) {
        .line = kpu_word_field(words, 1, 0, 15),
        .w = kpu_word_field(words, 3, 0, 10) + 1,
        .h = kpu_word_field(words, 3, 10, 9) + 1,
        .c = kpu_word_field(words, 2, 0, 10) + 1,
        .channel_lines = kpu_word_field(words, 7, 0, 15),
        .row_lines = kpu_word_field(words, 7, 16, 4),
        .group = kpu_word_field(words, 7, 28, 3),
    };
    conv->out = (kpu_map_t) {
        .line = kpu_word_field(words, 1, 32, 15),
        .w = kpu_word_field(words, 3, 32, 10) + 1,
        .h = kpu_word_field(words, 3, 42, 9) + 1,
        .c = kpu_word_field(words, 2, 32, 10) + 1,
        .channel_lines = kpu_word_field(words, 8, 0, 15),
        .row_lines = kpu_word_field(words, 8, 16, 4),
        .group = kpu_word_field(words, 8, 20, 3),
    };

    if (kernel > 1) {
        return kpu_fail(err, KPU_ERR_FORMAT, "kernel_type %u, the KPU has 0 (1x1) and 1 (3x3)", (unsigned)kernel);
    }
    if (conv->pool >= sizeof(pool_step)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "pool_type %u, the KPU has 0 to 9", conv->pool);
    }
    if (kpu_word_field(words, 0, 2, 1) || kpu_word_field(words, 4, 8, 2)) {
        return kpu_fail(err, KPU_ERR_NOT_IMPLEMENTED, "full_add, first_stride or bypass_conv is set");
    }
    if (!kpu_word_field(words, 4, 10, 1) || !kpu_word_field(words, 5, 0, 1) || !kpu_word_field(words, 7, 31, 1)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the layer does not load its own tables");
    }
    unsigned step = pool_step[conv->pool];
    if (conv->out.w != conv->in.w / step || conv->out.h != conv->in.h / step) {
        return kpu_fail(err, KPU_ERR_FORMAT, "output is %ux%u, input %ux%u with pool_type %u gives %ux%u",
            conv->out.w, conv->out.h, conv->in.w, conv->in.h, conv->pool,
            conv->in.w / step, conv->in.h / step);
    }
    if (conv->depthwise && conv->in.c != conv->out.c) {
        return kpu_fail(err, KPU_ERR_FORMAT, "depthwise with %u input and %u output channels",
            conv->in.c, conv->out.c);
    }
    int ret = kpu_map_check(&conv->in, "input", err);
    if (ret != KPU_OK) {
        return ret;
    }
    ret = kpu_map_check(&conv->out, "output", err);
    if (ret != KPU_OK) {
        return ret;
    }
    if (maps_overlap(&conv->in, &conv->out)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "input (from line %u) and output (from line %u) overlap in KPU RAM",
            (unsigned)conv->in.line, (unsigned)conv->out.line);
    }
    uint32_t per_channel = (uint32_t)conv->kernel * conv->kernel * (eight_bit ? 1 : 2);
    if (!conv->depthwise) {
        per_channel *= conv->in.c;
    }
    conv->weights_size = per_channel * conv->out.c;
    return check_loads(words, conv, per_channel, err);
}

void kpu_conv_send_words(const kpu_conv_t *conv, uint64_t words[12]) {
    uint64_t channel = (uint64_t)conv->out.w * conv->out.h;
    words[11] = ((channel - 1) & 0xffff) << 16 | (channel * conv->out.c - 1) << 32;
}
