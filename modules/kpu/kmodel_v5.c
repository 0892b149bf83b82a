// SPDX-License-Identifier: MIT
//
// Loader for kmodel v5 (nncase 1.x): modules, sections, functions, memory.

#include "kmodel_v5.h"

#define HEADER_SIZE 32
#define MODULE_HEADER_SIZE 48
#define FUNCTION_HEADER_SIZE 32
#define SECTION_HEADER_SIZE 32
#define RANGE_SIZE 12

#define SECTION_IN_RDATA 1

static const v5_variant_t variants[] = {
    // Newest first: where several fit they mean the same for what the file uses.
    { 5, true, true, true, true, true },        // 1.9
    { 5, true, true, true, true, false },       // 1.6 to 1.8
    { 4, true, true, true, false, false },      // 1.4, 1.5
    { 4, false, false, true, false, false },    // 1.3
    { 3, false, false, true, false, false },    // 1.2
    { 2, false, false, true, false, false },    // 1.1
    { 1, false, false, false, false, false },   // 1.0.0
    { 0, false, false, false, false, false },   // 1.0.0 beta and rc
};

static int read_header(const uint8_t *p, uint32_t *modules, char *err) {
    if (get_u32(p + 8) != HEADER_SIZE) {
        return kpu_fail(err, KPU_ERR_FORMAT, "kmodel v5 with a header of %u bytes, must be %u (files of nncase before "
            "1.0.0-beta1 have another layout)", (unsigned)get_u32(p + 8), HEADER_SIZE);
    }
    *modules = get_u32(p + 20);
    if (*modules == 0 || *modules > V5_MAX_MODULES) {
        return kpu_fail(err, KPU_ERR_FORMAT, "kmodel v5 with %u modules, must be 1 to %u", (unsigned)*modules, V5_MAX_MODULES);
    }
    return KPU_OK;
}

int kmodel_v5_measure(const kmodel_source_t *src, uint32_t *size) {
    uint8_t buf[MODULE_HEADER_SIZE];
    uint32_t modules = 0;
    int ret = kmodel_source_get(src, 0, buf, HEADER_SIZE, "header");
    if (ret == KPU_OK) {
        ret = read_header(buf, &modules, src->err);
    }
    uint64_t end = HEADER_SIZE;
    for (uint32_t i = 0; ret == KPU_OK && i < modules; ++i) {
        ret = kmodel_source_get(src, (uint32_t)end, buf, sizeof(buf), "module header");
        if (ret != KPU_OK) {
            break;
        }
        uint32_t bytes = get_u32(buf + 24);
        end += bytes;
        if (bytes < MODULE_HEADER_SIZE || end > src->limit) {
            return kpu_fail(src->err, KPU_ERR_FORMAT, "module %u has %u bytes and ends at %lu, there are only %u",
                (unsigned)i, (unsigned)bytes, (unsigned long)end, (unsigned)src->limit);
        }
    }
    *size = (uint32_t)end;
    return ret;
}

// ---- modules ---------------------------------------------------------------------------------

static int check_file(const v5_state_t *st, const char *what, uint64_t off, uint64_t bytes, uint64_t end) {
    if (off + bytes > end || end > st->ld.size) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "%s end at %lu, the module at %lu, file has %u bytes", what,
            (unsigned long)(off + bytes), (unsigned long)end, (unsigned)st->ld.size);
    }
    return KPU_OK;
}

// The same for what the loader looks at, which must be in memory.
static int check_read(const v5_state_t *st, const char *what, uint64_t off, uint64_t bytes, uint64_t end) {
    int ret = check_file(st, what, off, bytes, end);
    if (ret == KPU_OK && !kpu_model_has(st->ld.net, (uint32_t)off, (uint32_t)bytes)) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "%s are among the weights of a layer, which are streamed", what);
    }
    return ret;
}

static int read_sections(v5_state_t *st, v5_module_t *m, uint32_t n, uint64_t at, uint64_t end) {
    uint32_t text_in_rdata = 0;
    bool has_text = false, inside = false;
    for (uint32_t i = 0; i < n; ++i) {
        int ret = check_read(st, "section headers", at, SECTION_HEADER_SIZE, end);
        if (ret != KPU_OK) {
            return ret;
        }
        const uint8_t *p = kmodel_at(&st->ld, at);
        uint32_t flags = get_u32(p + 16), start = get_u32(p + 20), size = get_u32(p + 24);
        uint64_t body = at + SECTION_HEADER_SIZE + start;
        at += SECTION_HEADER_SIZE;
        if (!(flags & SECTION_IN_RDATA)) {
            ret = check_file(st, "sections", body, size, end);
            if (ret != KPU_OK) {
                return ret;
            }
            at = body + size;
        }
        if (memcmp(p, ".text", 6) == 0) {
            has_text = true;
            inside = flags & SECTION_IN_RDATA;
            text_in_rdata = start;
            m->text_off = inside ? 0 : (uint32_t)body;
            m->text_size = size;
        } else if (memcmp(p, ".rdata", 7) == 0 && !(flags & SECTION_IN_RDATA)) {
            m->rdata_off = (uint32_t)body;
            m->rdata_size = size;
        }
    }
    if (inside) {
        if (text_in_rdata > m->rdata_size || m->text_size > m->rdata_size - text_in_rdata) {
            return kpu_fail(st->ld.err, KPU_ERR_FORMAT, ".text is not inside .rdata");
        }
        m->text_off = m->rdata_off + text_in_rdata;
    }
    return has_text ? KPU_OK : kpu_fail(st->ld.err, KPU_ERR_FORMAT, "a module has no .text section");
}

// Gives out memory of the working buffer, which is allocated when all is known.
static uint32_t reserve(kpu_net_t *net, uint32_t bytes, bool *overflow) {
    uint32_t at = net->main_size;
    uint64_t end = at + (((uint64_t)bytes + 63) & ~63ull);
    *overflow |= end > INT32_MAX;
    net->main_size = end > INT32_MAX ? INT32_MAX : (uint32_t)end;
    return at;
}

static int read_module(v5_state_t *st, v5_module_t *m, uint64_t at, uint64_t end, bool *overflow) {
    const uint8_t *p = kmodel_at(&st->ld, at);
    char *err = st->ld.err;
    m->is_k210 = memcmp(p, "k210", 5) == 0;
    if (!m->is_k210 && memcmp(p, "stackvm", 8) != 0) {
        char type[16] = "";
        for (unsigned i = 0; i < sizeof(type) - 1 && p[i]; ++i) {
            type[i] = p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '?';
        }
        return kpu_fail(err, KPU_ERR_NOT_IMPLEMENTED, "module of type \"%s\"", type);
    }
    if (get_u32(p + 16) != 1 || get_u32(p + 20) != MODULE_HEADER_SIZE) {
        return kpu_fail(err, KPU_ERR_FORMAT, "module version %u with a header of %u bytes", (unsigned)get_u32(p + 16),
            (unsigned)get_u32(p + 20));
    }
    uint32_t pools = get_u32(p + 28), shared = get_u32(p + 32), sections = get_u32(p + 36);
    m->n_functions = get_u32(p + 40);
    uint64_t lists = at + MODULE_HEADER_SIZE;
    int ret = check_read(st, "memory pools", lists, 8 * ((uint64_t)pools + shared), end);
    if (ret != KPU_OK) {
        return ret;
    }
    for (uint32_t i = 0; i < pools; ++i) {
        const uint8_t *pool = kmodel_at(&st->ld, lists + 8 * (uint64_t)i);
        if (pool[0] == V5_LOC_DATA) {
            m->data_size = get_u32(pool + 4);
            m->data_off = reserve(st->ld.net, m->data_size, overflow);
        }
    }
    uint64_t record = lists + 8 * ((uint64_t)pools + shared);
    m->first_function = (uint32_t)record;
    for (uint32_t i = 0; i < m->n_functions; ++i) {
        ret = check_read(st, "functions", record, FUNCTION_HEADER_SIZE, end);
        uint32_t size = ret == KPU_OK ? get_u32(kmodel_at(&st->ld, record + 4)) : 0;
        if (ret == KPU_OK && size < FUNCTION_HEADER_SIZE) {
            return kpu_fail(err, KPU_ERR_FORMAT, "function %u has a record of %u bytes", (unsigned)i, (unsigned)size);
        }
        record += size;
        if (ret == KPU_OK) {
            ret = check_file(st, "functions", record, 0, end);
        }
        if (ret != KPU_OK) {
            return ret;
        }
    }
    return read_sections(st, m, sections, record, end);
}

static int read_modules(v5_state_t *st, uint32_t n) {
    uint64_t at = HEADER_SIZE;
    bool overflow = false;
    for (uint32_t i = 0; i < n; ++i) {
        int ret = check_read(st, "module headers", at, MODULE_HEADER_SIZE, st->ld.size);
        if (ret != KPU_OK) {
            return ret;
        }
        uint64_t end = at + get_u32(kmodel_at(&st->ld, at + 24));
        ret = check_file(st, "modules", at, MODULE_HEADER_SIZE, end);
        if (ret == KPU_OK) {
            ret = read_module(st, &st->modules[i], at, end, &overflow);
        }
        if (ret != KPU_OK) {
            return ret;
        }
        at = end;
    }
    st->n_modules = n;
    return overflow ? kpu_fail(st->ld.err, KPU_ERR_NO_MEM, "the working buffers are larger than any memory") : KPU_OK;
}

// ---- functions -------------------------------------------------------------------------------

// Steps over a list of n shapes inside off..end.
static int skip_shapes(const v5_state_t *st, uint32_t n, uint64_t *off, uint64_t end) {
    for (uint32_t i = 0; i < n; ++i) {
        int ret = check_read(st, "shapes", *off, 4, end);
        if (ret != KPU_OK) {
            return ret;
        }
        uint32_t rank = get_u32(kmodel_at(&st->ld, *off));
        if (rank > V5_MAX_RANK) {
            return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "a shape has %u dimensions", (unsigned)rank);
        }
        *off += 4 + 4 * rank;
    }
    return check_file(st, "shapes", *off, 0, end);
}

int kmodel_v5_function(v5_state_t *st, uint32_t module, uint32_t index, v5_function_t *f) {
    if (module >= st->n_modules || index >= st->modules[module].n_functions) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "function %u of module %u does not exist", (unsigned)index,
            (unsigned)module);
    }
    const v5_module_t *m = &st->modules[module];
    uint64_t record = m->first_function;
    for (uint32_t i = 0; i < index; ++i) {
        record += get_u32(kmodel_at(&st->ld, record + 4));
    }
    const uint8_t *p = kmodel_at(&st->ld, record);
    uint64_t end = record + get_u32(p + 4), at = record + FUNCTION_HEADER_SIZE;
    *f = (v5_function_t) {
        .in_pool = get_u32(p + 8), .out_pool = get_u32(p + 12), .n_in = get_u32(p + 16), .n_out = get_u32(p + 20),
        .text_size = get_u32(p + 28),
    };
    uint32_t entry = get_u32(p + 24);
    if (f->n_in > V5_MAX_ARGS || f->n_out > V5_MAX_ARGS || entry > m->text_size || f->text_size > m->text_size - entry) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "function %u has %u inputs, %u outputs, code from %u to %u of %u",
            (unsigned)index, (unsigned)f->n_in, (unsigned)f->n_out, (unsigned)entry, (unsigned)(entry + f->text_size),
            (unsigned)m->text_size);
    }
    f->text_off = m->text_off + entry;
    if (!kpu_model_has(st->ld.net, (uint32_t)record, (uint32_t)(end - record))
        || !kpu_model_has(st->ld.net, f->text_off, f->text_size)) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "function %u is among the weights of a layer, which are streamed",
            (unsigned)index);
    }
    f->in_ranges = (uint32_t)at;
    at += (uint64_t)RANGE_SIZE * f->n_in;
    f->in_shapes = (uint32_t)at;
    int ret = skip_shapes(st, f->n_in, &at, end);
    f->out_ranges = (uint32_t)at;
    at += (uint64_t)RANGE_SIZE * f->n_out;
    f->out_shapes = (uint32_t)at;
    return ret == KPU_OK ? skip_shapes(st, f->n_out, &at, end) : ret;
}

uint8_t kmodel_v5_dtype(uint32_t dtype) {
    static const uint8_t types[] = { KPU_I8, KPU_I16, KPU_I32, KPU_I64, KPU_U8, KPU_U16, KPU_U32 };
    return dtype < sizeof(types) ? types[dtype] : dtype == V5_DT_F32 ? KPU_F32 : KPU_DTYPE_COUNT;
}

int kmodel_v5_shape(const v5_state_t *st, uint32_t list, uint32_t i, uint32_t dims[4], uint32_t *count) {
    const uint8_t *p = kmodel_at(&st->ld, list);
    while (i-- > 0) {
        p += 4 + 4 * get_u32(p);
    }
    uint32_t rank = get_u32(p);
    *count = 1;
    for (uint32_t k = 0; k < 4; ++k) {
        dims[k] = 1;
    }
    for (uint32_t k = 0; k < rank; ++k) {
        uint32_t d = get_u32(p + 4 + 4 * k);
        *count = kmodel_elements(*count, d, 1);
        // Dimensions in front of the last three count as channels.
        uint32_t at = k + 4 >= rank ? k + 4 - rank : 0;
        dims[at] = kmodel_elements(dims[at], d, 1);
    }
    if (*count == 0 || *count > INT32_MAX) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "a shape has %u elements", (unsigned)*count);
    }
    return KPU_OK;
}

kpu_node_t *kmodel_v5_emit(v5_state_t *st, uint8_t op, uint32_t code, const char *name) {
    kpu_node_t *node = st->nodes ? &st->nodes[st->count] : &st->scratch;
    memset(node, 0, sizeof(*node));
    node->op = op;
    node->code = code;
    node->name = name;
    st->ld.index = st->count;
    st->ld.name = name;
    st->count += 1;
    return node;
}

// Inputs or outputs of the model: their ranges lie in the pool that starts at base.
static int make_tensors(v5_state_t *st, const char *what, uint32_t n, uint32_t ranges, uint32_t shapes,
    const v5_addr_t *pool, kpu_tensor_t *tensors) {
    for (uint32_t i = 0; i < n; ++i) {
        const uint8_t *p = kmodel_at(&st->ld, ranges + RANGE_SIZE * i);
        uint32_t dtype = p[1], start = get_u32(p + 4), dims[4], count;
        int ret = kmodel_v5_shape(st, shapes, i, dims, &count);
        if (ret != KPU_OK) {
            return ret;
        }
        uint8_t type = kmodel_v5_dtype(dtype);
        if (type == KPU_DTYPE_COUNT) {
            return kpu_fail(st->ld.err, KPU_ERR_NOT_IMPLEMENTED, "%s %u has data type %u", what, (unsigned)i, (unsigned)dtype);
        }
        uint64_t bytes = (uint64_t)count * kpu_dtype_size(type);
        if (bytes > pool->end - pool->off || start > pool->end - pool->off - bytes || start % kpu_dtype_size(type)) {
            return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "%s %u has %lu bytes at %u, its pool has %u", what, (unsigned)i,
                (unsigned long)bytes, (unsigned)start, (unsigned)(pool->end - pool->off));
        }
        tensors[i] = (kpu_tensor_t) {
            .mem = { .space = KPU_MEM_MAIN, .dtype = type, .off = pool->off + start, .size = (uint32_t)bytes },
            .c = dims[0] * dims[1], .h = dims[2], .w = dims[3],
        };
    }
    return KPU_OK;
}

// ---- whole file ------------------------------------------------------------------------------

static int find_variant(v5_state_t *st, uint32_t module, uint32_t function, const v5_variant_t **found) {
    char err[KPU_ERR_LEN], *report = st->ld.err;
    uint32_t best = 0;
    int ret = KPU_ERR_FORMAT;
    st->ld.err = err;
    *found = NULL;
    // No compiler writes instructions without effect. They appear where the last operand of a function
    // belongs to another release, so readings without them come first.
    const size_t n = sizeof(variants) / sizeof(variants[0]);
    for (size_t i = 0; i < 2 * n && *found == NULL; ++i) {
        uint32_t progress = 0;
        st->count = st->scratch_size = 0;
        int status = kmodel_v5_stackvm(st, module, function, &variants[i % n], i < n, &progress);
        if (status == KPU_OK) {
            *found = &variants[i % n];
        } else if (status == KPU_ERR_NO_MEM) {
            st->ld.err = report;
            return kpu_fail(report, status, "%s", err);
        } else if (i == 0 || progress > best) {
            // The reading that went furthest has the reason that helps.
            best = progress;
            ret = status;
            memcpy(report, err, KPU_ERR_LEN);
        }
    }
    st->ld.err = report;
    return *found ? KPU_OK : ret;
}

static int open_with(v5_state_t *st, char *err) {
    kpu_net_t *net = st->ld.net;
    uint32_t modules = 0, entry_module = get_u32(net->image + 24), entry_function = get_u32(net->image + 28);
    int ret = read_header(net->image, &modules, err);
    if (ret == KPU_OK) {
        ret = read_modules(st, modules);
    }
    v5_function_t f;
    if (ret == KPU_OK) {
        ret = kmodel_v5_function(st, entry_module, entry_function, &f);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (st->modules[entry_module].is_k210 || f.n_in == 0 || f.n_out == 0) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the entry function has %u inputs and %u outputs", (unsigned)f.n_in,
            (unsigned)f.n_out);
    }
    bool overflow = false;
    st->inputs = (v5_addr_t) { .space = KPU_MEM_MAIN, .off = reserve(net, f.in_pool, &overflow) };
    st->inputs.end = st->inputs.off + f.in_pool;
    st->outputs = (v5_addr_t) { .space = KPU_MEM_MAIN, .off = reserve(net, f.out_pool, &overflow) };
    st->outputs.end = st->outputs.off + f.out_pool;
    if (overflow) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "the working buffers are larger than any memory");
    }
    net->n_inputs = f.n_in;
    net->n_outputs = f.n_out;
    net->inputs = kmodel_alloc(net, f.n_in, sizeof(kpu_tensor_t), "inputs", err);
    if (net->inputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    net->outputs = kmodel_alloc(net, f.n_out, sizeof(kpu_tensor_t), "outputs", err);
    if (net->outputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    ret = make_tensors(st, "input", f.n_in, f.in_ranges, f.in_shapes, &st->inputs, net->inputs);
    if (ret == KPU_OK) {
        ret = make_tensors(st, "output", f.n_out, f.out_ranges, f.out_shapes, &st->outputs, net->outputs);
    }
    st->scratch_off = net->main_size;
    const v5_variant_t *variant = NULL;
    if (ret == KPU_OK) {
        ret = find_variant(st, entry_module, entry_function, &variant);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (st->count == 0) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the model does nothing");
    }
    net->nodes = kmodel_alloc(net, st->count, sizeof(kpu_node_t), "layers", err);
    if (net->nodes == NULL) {
        return KPU_ERR_NO_MEM;
    }
    net->n_nodes = st->count;
    reserve(net, st->scratch_size, &overflow);
    if (overflow) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "the working buffers are larger than any memory");
    }
    st->nodes = net->nodes;
    st->count = 0;
    uint32_t progress = 0;
    return kmodel_v5_stackvm(st, entry_module, entry_function, variant, false, &progress);
}

int kmodel_v5_open(kpu_net_t *net, char *err) {
    uint32_t size = net->size;
    if (size < HEADER_SIZE) {
        return kpu_fail(err, KPU_ERR_FORMAT, "file has %u bytes, the header has %u", (unsigned)size, HEADER_SIZE);
    }
    v5_state_t *st = kmodel_alloc(net, 1, sizeof(v5_state_t), "loader state", err);
    if (st == NULL) {
        return KPU_ERR_NO_MEM;
    }
    net->version = 5;
    net->eight_bit = true;
    if (!kpu_model_has(net, 0, HEADER_SIZE)) {
        net->mem.free(net->mem.ctx, st);
        return kpu_fail(err, KPU_ERR_FORMAT, "the header is among the weights of a layer, which are streamed");
    }
    st->ld = (kmodel_loader_t) { .net = net, .size = size, .name = "", .err = err };
    int ret = open_with(st, err);
    net->mem.free(net->mem.ctx, st);
    return ret;
}
