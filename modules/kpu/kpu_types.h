// SPDX-License-Identifier: MIT
//
// Types of the KPU core: what a loaded model looks like, whatever file format it came from.
//
// A loader (kmodel_v3.c, ...) turns a file into a list of nodes with checked memory ranges; the
// runner (kpu_run.c) executes that list on a backend. Nothing here knows registers or Python.

#ifndef MODULES_KPU_TYPES_H
#define MODULES_KPU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Every function that can fail gets a buffer of this size and leaves one sentence in it.
#define KPU_ERR_LEN (160)

// The numbers are MaixPy's error codes, so that a script that looks at them keeps working.
typedef enum {
    KPU_OK = 0,
    KPU_ERR_PARAM = 2001,
    KPU_ERR_VERSION = 2002,
    KPU_ERR_FORMAT = 2003,
    KPU_ERR_DECRYPT = 2004,
    KPU_ERR_READ = 2005,
    KPU_ERR_NO_MEM = 2006,
    KPU_ERR_FIRST_LAYER = 2007,
    KPU_ERR_RUN = 2008,
    KPU_ERR_INDEX = 2011,
    KPU_ERR_SIZE = 2012,
    KPU_ERR_OUTPUTS = 2013,
    KPU_ERR_NOT_IMPLEMENTED = 2014,
    KPU_ERR_UNKNOWN = 2015,
} kpu_status_t;

// A firmware that needs the memory leaves out what only kmodel v5 needs (KPU_WITHOUT = V5).
#ifndef KPU_WITH_V5
#define KPU_WITH_V5 (1)
#endif

// Or the part that lets a second processor help.
#ifndef KPU_WITH_SHARING
#define KPU_WITH_SHARING (1)
#endif

#define KPU_RAM_LINE (64)
#define KPU_RAM_LINES (32768)
#define KPU_RAM_BYTES (KPU_RAM_LINES * KPU_RAM_LINE)

// Alignment that the model's bytes need in memory: activation tables are at multiples of 256 in
// the file and must stay so for the KPU.
#define KPU_MODEL_ALIGN (256)

typedef enum {
    KPU_MEM_MODEL,              // bytes of the model file: constants, tables
    KPU_MEM_MAIN,               // working buffer in general memory
    KPU_MEM_RAM,                // the KPU's own memory
} kpu_space_t;

// The first two are what most models use; the others come from v5 (indices, results of arg max).
typedef enum {
    KPU_F32, KPU_U8, KPU_I8, KPU_I16, KPU_I32, KPU_I64, KPU_U16, KPU_U32, KPU_DTYPE_COUNT,
} kpu_dtype_t;

static inline uint32_t kpu_dtype_size(uint8_t dtype) {
    static const uint8_t sizes[KPU_DTYPE_COUNT] = { 4, 1, 1, 2, 4, 8, 2, 4 };
    return sizes[dtype];
}

// The letter that Python's array and struct modules use.
static inline char kpu_dtype_code(uint8_t dtype) {
    return "fBbhiqHI"[dtype];
}

// A piece of memory. off and size are bytes, in KPU RAM too.
typedef struct {
    uint8_t space;              // kpu_space_t
    uint8_t dtype;              // kpu_dtype_t
    uint32_t off;
    uint32_t size;
} kpu_range_t;

// A feature map in KPU RAM. Pixel (c, y, x) is at byte
//   (line + c / group * channel_lines + y * row_lines) * 64 + c % group * (64 / group) + x.
typedef struct {
    uint32_t line;
    uint16_t w, h, c;
    uint16_t channel_lines;     // from one channel group to the next
    uint8_t row_lines;
    uint8_t group;              // channels per line: 1, 2 or 4
} kpu_map_t;

typedef struct {
    kpu_range_t mem;
    uint32_t c, h, w;           // 0, 0, 0 when the file does not say
    kpu_map_t map;              // only for KPU_MEM_RAM
} kpu_tensor_t;

// One layer of the KPU. The three tables are offsets in the model file.
typedef struct {
    uint64_t words[12];         // as in the file: no table addresses, no int_en, no send_data_out
    kpu_map_t in, out;
    uint32_t weights, weights_size;
    uint32_t bn, act;
    uint32_t batches;           // the layer runs this often, on consecutive maps
    uint8_t kernel;             // 1 or 3
    uint8_t pool;
    bool depthwise;
    bool to_main;               // the result is also wanted in node.out
} kpu_conv_t;

#define KPU_ACT_TABLE_SIZE (144)
#define KPU_BN_ENTRY_SIZE (8)

typedef enum {
    KPU_OP_NONE,
    KPU_OP_CONV,
    KPU_OP_UPLOAD,
    KPU_OP_ADD_PADDING,
    KPU_OP_REMOVE_PADDING,
    KPU_OP_ADD,
    KPU_OP_QUANTIZED_ADD,
    KPU_OP_GLOBAL_AVERAGE,
    KPU_OP_QUANTIZED_MAX_POOL,
    KPU_OP_AVERAGE_POOL,
    KPU_OP_QUANTIZE,
    KPU_OP_DEQUANTIZE,
    KPU_OP_TABLE,
    KPU_OP_L2_NORM,
    KPU_OP_SOFTMAX,
    KPU_OP_CONCAT,
    KPU_OP_FULLY_CONNECTED,
    KPU_OP_FLATTEN,
    KPU_OP_RESIZE_NEAREST,
    KPU_OP_CHANNELWISE_DEQUANTIZE,
    KPU_OP_LOGISTIC,
    // Since v4 layers have shapes.
    KPU_OP_COPY,                // memory copy, transpose, strided slice
    KPU_OP_PAD,
    KPU_OP_CONCAT_DIM,
    KPU_OP_BINARY,
    KPU_OP_QUANTIZED_BINARY,
    KPU_OP_UNARY,
    KPU_OP_REDUCE,
    KPU_OP_REDUCE_WINDOW,
    KPU_OP_RESIZE,
    KPU_OP_QUANTIZE_EVEN,
    KPU_OP_DEQUANTIZE_ZERO_POINT,
    KPU_OP_CONV2D,
    KPU_OP_QUANTIZED_CONV2D,
    KPU_OP_CONV2D_TRANSPOSE,
    KPU_OP_MATMUL,
    KPU_OP_QUANTIZED_MATMUL,
    KPU_OP_NNIL,
    // v5 has strides.
    KPU_OP_DOWNLOAD,
    KPU_OP_MAP,
    KPU_OP_SOFTMAX_AXIS,
    KPU_OP_COMPARE,
    KPU_OP_TERNARY,
    KPU_OP_FILL,                // the value `fill` everywhere
    KPU_OP_MIRROR,              // padding with the input's own elements
    KPU_OP_CONV2D_RANGES,       // weights and bias are tensors
    KPU_OP_MATMUL_BATCHES,
    KPU_OP_REDUCE_AXES,
    KPU_OP_REDUCE_ARG,
    KPU_OP_CUMSUM,
    KPU_OP_HARDMAX,
    KPU_OP_TOPK,
    KPU_OP_TRILU,
    KPU_OP_LAYER_NORM,
    KPU_OP_GATHER,
    KPU_OP_GATHER_ND,
    KPU_OP_GATHER_ELEMENTS,
    KPU_OP_ONEHOT,
    KPU_OP_GRU,
} kpu_op_t;

enum {
    KPU_BINARY_ADD, KPU_BINARY_SUB, KPU_BINARY_MUL, KPU_BINARY_DIV, KPU_BINARY_MIN, KPU_BINARY_MAX,
    KPU_BINARY_V4_COUNT, // v5 has some more
    KPU_BINARY_POW = KPU_BINARY_V4_COUNT, KPU_BINARY_FLOOR_DIV, KPU_BINARY_FLOOR_MOD,
    KPU_BINARY_BIT_AND, KPU_BINARY_BIT_OR, KPU_BINARY_BIT_XOR, KPU_BINARY_AND, KPU_BINARY_OR, KPU_BINARY_XOR,
    KPU_BINARY_COUNT,
};
enum { KPU_REDUCE_MEAN, KPU_REDUCE_MIN, KPU_REDUCE_MAX, KPU_REDUCE_SUM, KPU_REDUCE_COUNT, KPU_REDUCE_PROD = KPU_REDUCE_COUNT };
enum { KPU_COMPARE_EQ, KPU_COMPARE_NE, KPU_COMPARE_GT, KPU_COMPARE_GE, KPU_COMPARE_LT, KPU_COMPARE_LE, KPU_COMPARE_COUNT };
enum { KPU_MIRROR_REFLECT = 1, KPU_MIRROR_SYMMETRIC, KPU_MIRROR_EDGE };
enum {
    KPU_UNARY_ABS, KPU_UNARY_CEIL, KPU_UNARY_COS, KPU_UNARY_EXP, KPU_UNARY_FLOOR, KPU_UNARY_LOG, KPU_UNARY_NEG,
    KPU_UNARY_RSQRT, KPU_UNARY_SIN, KPU_UNARY_SQUARE,
    KPU_UNARY_V4_COUNT,
    KPU_UNARY_ACOS = KPU_UNARY_V4_COUNT, KPU_UNARY_ASIN, KPU_UNARY_ROUND, KPU_UNARY_SIGN, KPU_UNARY_SQRT,
    KPU_UNARY_TANH, KPU_UNARY_ERF, KPU_UNARY_SIGMOID, KPU_UNARY_BIT_NOT, KPU_UNARY_NOT, KPU_UNARY_COUNT,
};

// What KPU_OP_MAP does to an element.
enum { KPU_MAP_CONVERT, KPU_MAP_QUANTIZE, KPU_MAP_DEQUANTIZE, KPU_MAP_UNARY };

// Four dimensions N, C, H, W somewhere inside a range. Counted in elements. Two more lie outside of
// them, the outermost last; 0 there counts as 1.
#define KPU_DIMS (6)

typedef struct {
    uint32_t shape[KPU_DIMS];
    int32_t stride[KPU_DIMS];
    uint32_t off;
} kpu_view_t;

// a' = (a + off) * mul >> shift
typedef struct {
    int32_t off, mul, shift;
} kpu_scale_t;

// A convolution that the CPU computes. Sizes per picture; n pictures follow each other.
typedef struct {
    uint32_t n, in_c, in_h, in_w, groups, out_c, out_h, out_w;
    uint32_t f_h, f_w, s_h, s_w, d_h, d_w;
    int32_t pad_h, pad_w;       // before
    float low, high;
    int32_t in_off, w_off, out_off, mul, shift; // quantized only
    uint32_t weights, bias;     // file offsets
} kpu_conv2d_t;

// One step of a model. in and out are checked against their memories when the model is loaded,
// so the executing code does not check again.
typedef struct {
    uint8_t op;                 // kpu_op_t
    uint32_t code;              // the number that the file uses
    const char *name;           // the name that MaixPy or nncase uses for it
    uint32_t body, body_size;   // where it is described in the file
    kpu_range_t in[2];
    kpu_range_t out;            // size 0: result in KPU RAM only
    uint32_t c, h, w;           // shape of the result, 0 when unknown
    union {
        kpu_conv_t conv;
        struct {
            kpu_map_t map;
            uint32_t batches;   // as many maps follow each other
        } upload;
        struct {
            uint32_t in_w, in_h, c, out_w, out_h, k_w, k_h, s_w, s_h, pad_w, pad_h;
        } pool;
        struct {
            int32_t a_off, a_mul, a_shift, b_off, b_mul, b_shift, o_off, o_mul, o_shift;
        } qadd;
        struct {
            float scale, bias;
        } quant;
        struct {
            uint32_t n;
            uint32_t list;      // file offset of n pairs {u32 start, u32 bytes}
        } concat;
        struct {
            uint32_t in, out, activation;
            uint32_t weights, bias; // file offsets
        } fc;
        struct {
            uint32_t c, size;   // channels, elements of one channel
            uint32_t table;     // file offset
        } channels;
        struct {
            kpu_view_t in, out;
            uint8_t fill[8];    // of everything that the view `out` leaves over
        } copy;
        struct {
            uint32_t inner, outer, n; // inner in bytes
            uint32_t ranges, dims;    // file offsets
            uint32_t constants;       // file offset of the constants
        } concat_dim;
        struct {
            uint32_t op;
            uint32_t shape[KPU_DIMS];
            int32_t a[KPU_DIMS], b[KPU_DIMS]; // strides, 0 where an input is repeated
            int32_t o[KPU_DIMS]; // strides of the output
            float low, high;
            kpu_scale_t sa, sb, so; // quantized only
        } binary;
        struct {
            uint32_t op;
        } unary;
        struct {
            kpu_view_t in, out;
            uint8_t function, op;
            float scale, bias;
        } map;
        struct {
            uint32_t op;
            uint32_t in[4], out[4];
            float init;
        } reduce;
        struct {
            kpu_conv2d_t shape;
            uint32_t op;
            float init;
        } window;
        struct {
            uint32_t planes, in_h, in_w, out_h, out_w;
            bool nearest, align_corners, half_pixel;
        } resize;
        struct {
            uint32_t inner, outer; // inner numbers are `step` apart and belong together
            uint32_t step;
            float beta;
        } softmax;
        kpu_conv2d_t conv2d;
        struct {
            uint32_t rows, cols, b_cols;
            float low, high;
            int32_t a_off, b_off, mul, shift, out_off;
            uint32_t bias;      // file offset
        } matmul;
        struct {
            uint32_t code, size; // file offset
        } nnil;
        struct {
            uint32_t shape[KPU_DIMS];
            int32_t a[KPU_DIMS], b[KPU_DIMS], c[KPU_DIMS], o[KPU_DIMS]; // strides
            kpu_range_t third;  // in[0] decides between in[1] and third
        } ternary;
        struct {
            uint32_t mode;
            uint32_t in[4], out[4];
            int32_t before[4];
        } mirror;
        struct {
            kpu_conv2d_t shape;
            kpu_range_t weights, bias;
        } conv2d_ranges;
        struct {
            uint32_t rows, cols, b_cols;
            float low, high;
            uint32_t batch[3], a[3], b[3]; // steps of the inputs, 0 where one is repeated
            kpu_range_t bias;
        } matmul_batches;
        struct {
            uint32_t op;
            uint32_t shape[KPU_DIMS], step[KPU_DIMS]; // of the input; step in the output, 0 where it is reduced
            float init;
        } reduce_axes;
        // What follows takes an axis: outer numbers of n, which are inner elements apart.
        struct {
            uint32_t outer, n, inner;
            uint32_t k;         // top k: results. gather: indices. one hot: depth
            uint8_t op;
            bool flag, last;    // reverse, largest; exclusive, select_last, process_neg
            uint8_t dims;       // gather_nd: numbers in an index tuple
            uint32_t size[KPU_DIMS], step[KPU_DIMS];
            kpu_range_t third, fourth;
            int32_t diagonal;
            float epsilon;
        } axis;
        struct {
            uint32_t steps, batch, in, hidden, directions;
            bool reverse, linear_before_reset;
            kpu_range_t r, b, state, out_state, work;
        } gru;
    } p;
} kpu_node_t;

// Depth of the stack of nnil byte code.
#define KPU_NNIL_STACK (64)

// Where the core gets memory from. device = a device writes to it (then the returned address must be
// one that is coherent with it); align is a power of two. The working buffer is the CPU's alone.
typedef struct {
    void *(*alloc)(void *ctx, size_t size, size_t align, bool device);
    void (*free)(void *ctx, void *p);
    void *ctx;
} kpu_memory_t;

// Bytes of the file that are not in memory: weights that are streamed. off and size are multiples
// of KPU_MODEL_ALIGN, so what remains keeps its alignment.
typedef struct {
    uint32_t off, size;
} kpu_gap_t;

typedef struct {
    const uint8_t *image;       // the file without its gaps, KPU_MODEL_ALIGN aligned; the caller's
    uint32_t size;              // of the file
    const kpu_gap_t *gaps;      // in order of off; the caller's
    uint32_t n_gaps;
    uint32_t version;
    bool eight_bit;             // weights are bytes, else 16 bit
    uint32_t first_line;        // KPU RAM lines below this one stay free
    uint8_t *main;
    uint32_t main_size;
    kpu_node_t *nodes;
    uint32_t n_nodes;
    kpu_tensor_t *inputs, *outputs;
    uint32_t n_inputs, n_outputs;
    kpu_memory_t mem;
} kpu_net_t;

// Layers that the KPU takes before the first one is done.
#define KPU_QUEUE (8)

// A second processor for CPU layers.
typedef struct {
    // Starts fn(arg) there; false when it cannot be had now. NULL: there is none.
    bool (*start)(void (*fn)(void *arg), void *arg);
    // When fn has returned: true. False when it took far too long.
    bool (*wait)(void);
    uint64_t min_work;          // instructions that a layer must take to be shared
} kpu_helper_t;

// What runs the KPU layers: the chip (hal/kpu through the binding) or software (host tests).
// All return 0 or a negative errno.
typedef struct {
    // Starts one layer. words are complete except for the table addresses and int_en or
    // send_data_out. With dest the packed CHW result must also be at dest (dest_size bytes, a
    // multiple of 8 may be written) when the layer is done.
    int (*start)(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn,
        const uint8_t *act, bool eight_bit, uint8_t *dest, uint32_t dest_size);
    // Puts a layer without dest into the KPU's queue; the next one follows by itself. start() must come
    // next, for the layer whose end poll() looks for. At most KPU_QUEUE - 1 layers. NULL: no queue.
    int (*queue)(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn, const uint8_t *act,
        bool eight_bit);
    // 1 when the layer is done, 0 while it runs, negative when it failed or took too long.
    int (*poll)(void *ctx);
    void (*stop)(void *ctx);
    // Names what the last start or poll was waiting for; NULL: nothing to say.
    const char *(*waiting_for)(void *ctx);
    // Bytes that dest may have at most. Larger results are fetched by read.
    uint32_t max_dest;
    int (*write)(void *ctx, uint32_t off, const uint8_t *src, uint32_t n);
    int (*read)(void *ctx, uint32_t off, uint8_t *dst, uint32_t n);
    volatile uint64_t *ram;     // KPU RAM as the CPU sees it; NULL: only by write and read
    kpu_helper_t helper;
    void *ctx;
} kpu_backend_t;

int kpu_fail(char *err, int status, const char *fmt, ...)
#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
;

// Where the byte at file offset off lies in memory, and whether n bytes from there are all in memory.
// Loaders check before they look; what a node refers to is in memory, except for conv.weights.
const uint8_t *kpu_model_at(const kpu_net_t *net, uint32_t off);
bool kpu_model_has(const kpu_net_t *net, uint32_t off, uint32_t n);

static inline uint8_t *kpu_range_ptr(const kpu_net_t *net, const kpu_range_t *r) {
    return r->space == KPU_MEM_MAIN ? net->main + r->off : (uint8_t *)(uintptr_t)kpu_model_at(net, r->off);
}

#endif // MODULES_KPU_TYPES_H
