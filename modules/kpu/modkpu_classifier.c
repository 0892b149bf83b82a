// SPDX-License-Identifier: MIT
//
// kpu.classifier: learns to tell things apart from pictures that the camera takes. A model turns a picture into
// a list of features; one picture per class has a name, more without a name ("samples") make the classes better.

#include <string.h>

#include "py/binary.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/vfs.h"

#include "kpu_classifier.h"
#include "modkpu.h"

#define MAX_CLASSES (1000)
#define MAX_SAMPLES (10000)
#define MAX_FLOATS (1 << 20)
#define ROW(self, table, i) ((self)->table + (size_t)(i) * (self)->length)

typedef struct {
    mp_obj_base_t base;
    mp_obj_t net;
    uint32_t length;            // features per picture
    uint32_t classes, samples;  // room for so many
    uint32_t n_classes, n_samples;
    uint32_t trained;           // classes with a centre
    float *labelled, *sample, *centre;
    uint32_t *belongs;
} classifier_t;

// What save() writes: this, then n_classes labelled vectors, n_samples samples, `trained` centres, and a sum of all.
typedef struct {
    char magic[8];
    uint32_t version, length, classes, samples, n_classes, n_samples, trained, reserved;
} file_head_t;

static const char magic[8] = "kpuclass";

static classifier_t *get(mp_obj_t o) {
    if (!mp_obj_is_type(o, &modkpu_classifier_type)) {
        mp_raise_ValueError(MP_ERROR_TEXT("must be obj"));
    }
    return MP_OBJ_TO_PTR(o);
}

static NORETURN void raise_os(mp_rom_error_text_t text, uint32_t a, uint32_t b) {
    mp_raise_msg_varg(&mp_type_OSError, text, (unsigned)a, (unsigned)b);
}

// ---- features --------------------------------------------------------------------------------

// How many numbers the model gives.
static uint32_t features(mp_obj_t net_in, uint32_t wanted) {
    modkpu_net_obj_t *net = modkpu_get_open_net(net_in);
    uint32_t n;
    if (net->layers == net->net.n_nodes) {
        const kpu_range_t *out = &net->net.outputs[0].mem;
        n = out->size / kpu_dtype_size(out->dtype);
    } else {
        const kpu_node_t *node = &net->net.nodes[net->layers - 1];
        bool bytes = node->op == KPU_OP_CONV || node->out.size == 0;
        n = kpu_node_result_size(node) / (bytes ? 1 : kpu_dtype_size(node->out.dtype));
    }
    if (n == 0 || wanted > n) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("fea_len is %u, the model gives %u features"),
            (unsigned)wanted, (unsigned)n);
    }
    return wanted ? wanted : n;
}

// Runs the model and puts its features into x.
static void look(classifier_t *self, mp_obj_t img, float *x) {
    modkpu_net_obj_t *net = modkpu_get_open_net(self->net);
    modkpu_run(net, img, false);
    mp_obj_t fmap = modkpu_new_fmap(net, 0);
    mp_buffer_info_t buf;
    mp_get_buffer_raise(fmap, &buf, MP_BUFFER_READ);
    size_t align, size = mp_binary_get_size('@', buf.typecode, &align);
    if (buf.len / size < self->length) {
        // set_layers() came in between.
        raise_os(MP_ERROR_TEXT("the classifier wants %u features, the model gives %u"), self->length, buf.len / size);
    }
    if (buf.typecode == 'f') {
        memcpy(x, buf.buf, self->length * sizeof(float));
        return;
    }
    for (uint32_t i = 0; i < self->length; ++i) {
        x[i] = (float)mp_obj_get_float(mp_binary_get_val_array(buf.typecode, buf.buf, i));
    }
}

static classifier_t *new_classifier(mp_obj_t net, uint32_t length, mp_int_t classes, mp_int_t samples) {
    if (classes < 1 || classes > MAX_CLASSES || samples < 0 || samples > MAX_SAMPLES
        || (2 * (uint64_t)classes + (uint64_t)samples) * length > MAX_FLOATS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d classes and %d samples of %u features"), (int)classes,
            (int)samples, (unsigned)length);
    }
    classifier_t *self = mp_obj_malloc(classifier_t, &modkpu_classifier_type);
    memset((uint8_t *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
    self->net = net;
    self->length = length;
    self->classes = (uint32_t)classes;
    self->samples = (uint32_t)samples;
    self->labelled = m_new(float, (size_t)classes * length);
    self->centre = m_new(float, (size_t)classes * length);
    self->sample = m_new(float, (size_t)samples * length);
    self->belongs = m_new(uint32_t, samples);
    return self;
}

// kpu.classifier(model, class_num, sample_num, fea_len=0)
static mp_obj_t classifier_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *pos_args) {
    (void)type;
    enum { ARG_model, ARG_class_num, ARG_sample_num, ARG_fea_len };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_model, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_class_num, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_sample_num, MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_fea_len, MP_ARG_INT, { .u_int = 0 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, pos_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_sample_num].u_obj == mp_const_none || args[ARG_class_num].u_obj == mp_const_none) {
        mp_raise_ValueError(MP_ERROR_TEXT("model, class num, sample num"));
    }
    mp_obj_t model = args[ARG_model].u_obj;
    if (!mp_obj_is_type(model, &modkpu_net_type)) {
        mp_raise_ValueError(MP_ERROR_TEXT("model"));
    }
    mp_int_t wanted = args[ARG_fea_len].u_int;
    uint32_t length = features(model, wanted < 0 || wanted > MAX_FLOATS ? UINT32_MAX : (uint32_t)wanted);
    return MP_OBJ_FROM_PTR(new_classifier(model, length, mp_obj_get_int(args[ARG_class_num].u_obj),
        mp_obj_get_int(args[ARG_sample_num].u_obj)));
}

// ---- pictures --------------------------------------------------------------------------------

// add_class_img(img, [index]) -> index: the picture of the next class, or another one for a class that has one.
static mp_obj_t classifier_add_class_img(size_t n_args, const mp_obj_t *args) {
    classifier_t *self = get(args[0]);
    mp_int_t i = n_args > 2 ? mp_obj_get_int(args[2]) : -1;
    i = i < 0 ? (mp_int_t)self->n_classes : i;
    if (i >= (mp_int_t)self->classes) {
        raise_os(MP_ERROR_TEXT("class %u: this classifier has room for %u"), (uint32_t)i, self->classes);
    }
    if (i > (mp_int_t)self->n_classes) {
        raise_os(MP_ERROR_TEXT("class %u: the picture of class %u comes first"), (uint32_t)i, self->n_classes);
    }
    look(self, args[1], ROW(self, labelled, i));
    self->n_classes += i == (mp_int_t)self->n_classes;
    return mp_obj_new_int(i);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(classifier_add_class_img_obj, 2, 3, classifier_add_class_img);

static mp_obj_t classifier_add_sample_img(mp_obj_t self_in, mp_obj_t img) {
    classifier_t *self = get(self_in);
    if (self->n_samples == self->samples) {
        raise_os(MP_ERROR_TEXT("sample %u: this classifier has room for %u"), self->n_samples, self->samples);
    }
    look(self, img, ROW(self, sample, self->n_samples));
    return mp_obj_new_int_from_uint(self->n_samples++);
}
static MP_DEFINE_CONST_FUN_OBJ_2(classifier_add_sample_img_obj, classifier_add_sample_img);

// Both forget the last picture and give its index, which the next one will have.
static mp_obj_t classifier_rm_class_img(mp_obj_t self_in) {
    classifier_t *self = get(self_in);
    if (self->n_classes == 0) {
        raise_os(MP_ERROR_TEXT("there is no class picture"), 0, 0);
    }
    return mp_obj_new_int_from_uint(--self->n_classes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(classifier_rm_class_img_obj, classifier_rm_class_img);

static mp_obj_t classifier_rm_sample_img(mp_obj_t self_in) {
    classifier_t *self = get(self_in);
    if (self->n_samples == 0) {
        raise_os(MP_ERROR_TEXT("there is no sample picture"), 0, 0);
    }
    return mp_obj_new_int_from_uint(--self->n_samples);
}
static MP_DEFINE_CONST_FUN_OBJ_1(classifier_rm_sample_img_obj, classifier_rm_sample_img);

static mp_obj_t classifier_train(mp_obj_t self_in) {
    classifier_t *self = get(self_in);
    if (self->n_classes < self->classes) {
        raise_os(MP_ERROR_TEXT("%u class pictures of %u are there, add_class_img() the others"), self->n_classes,
            self->classes);
    }
    kpu_classifier_train(self->labelled, self->n_classes, self->sample, self->n_samples, self->length, self->centre,
        self->belongs);
    self->trained = self->n_classes;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(classifier_train_obj, classifier_train);

// predict(img) -> (class, distance)
static mp_obj_t classifier_predict(mp_obj_t self_in, mp_obj_t img) {
    classifier_t *self = get(self_in);
    if (self->trained == 0) {
        raise_os(MP_ERROR_TEXT("the classifier has learned nothing yet, call train()"), 0, 0);
    }
    float *x = m_new(float, self->length), distance;
    look(self, img, x);
    uint32_t i = kpu_classifier_nearest(self->centre, self->trained, x, self->length, &distance);
    m_del(float, x, self->length);
    mp_obj_t items[2] = { mp_obj_new_int_from_uint(i), mp_obj_new_float((mp_float_t)distance) };
    return mp_obj_new_tuple(2, items);
}
static MP_DEFINE_CONST_FUN_OBJ_2(classifier_predict_obj, classifier_predict);

static mp_obj_t classifier_del(mp_obj_t self_in) {
    (void)get(self_in);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(classifier_del_obj, classifier_del);

// ---- files -----------------------------------------------------------------------------------

typedef struct {
    mp_obj_t file;
    bool write;
    uint32_t sum;               // FNV-1a
} transfer_t;

static void transfer(transfer_t *t, void *data, size_t n) {
    int error = 0;
    mp_uint_t done = n == 0 ? 0 : mp_stream_rw(t->file, data, n, &error, t->write ? MP_STREAM_RW_WRITE : MP_STREAM_RW_READ);
    if (error) {
        mp_raise_OSError(error);
    }
    if (done != n) {
        raise_os(t->write ? MP_ERROR_TEXT("%u bytes of %u could be written") : MP_ERROR_TEXT("the file ends early: %u bytes of %u"),
            done, n);
    }
    for (size_t i = 0; i < n; ++i) {
        t->sum = (t->sum ^ ((const uint8_t *)data)[i]) * 16777619u;
    }
}

static void transfer_body(transfer_t *t, classifier_t *self) {
    transfer(t, self->labelled, self->n_classes * self->length * sizeof(float));
    transfer(t, self->sample, self->n_samples * self->length * sizeof(float));
    transfer(t, self->centre, self->trained * self->length * sizeof(float));
    uint32_t sum = t->sum, there = sum;
    transfer(t, &there, sizeof(there));
    if (there != sum) {
        raise_os(MP_ERROR_TEXT("the classifier's file is damaged: sum %08x, not %08x"), there, sum);
    }
}

static mp_obj_t open_file(mp_obj_t path, qstr mode) {
    if (!mp_obj_is_str(path)) {
        mp_raise_ValueError(MP_ERROR_TEXT("path err"));
    }
    mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(mode) };
    mp_obj_t file = mp_vfs_open(2, args, (mp_map_t *)&mp_const_empty_map);
    mp_get_stream_raise(file, mode == MP_QSTR_wb ? MP_STREAM_OP_WRITE : MP_STREAM_OP_READ);
    return file;
}

static mp_obj_t classifier_save(mp_obj_t self_in, mp_obj_t path) {
    classifier_t *self = get(self_in);
    transfer_t t = { .file = open_file(path, MP_QSTR_wb), .write = true, .sum = 2166136261u };
    file_head_t head = {
        .version = 1, .length = self->length, .classes = self->classes, .samples = self->samples,
        .n_classes = self->n_classes, .n_samples = self->n_samples, .trained = self->trained,
    };
    memcpy(head.magic, magic, sizeof(magic));
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        transfer(&t, &head, sizeof(head));
        transfer_body(&t, self);
        nlr_pop();
    } else {
        mp_stream_close(t.file);
        nlr_jump(nlr.ret_val);
    }
    mp_stream_close(t.file);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(classifier_save_obj, classifier_save);

static classifier_t *read_file(transfer_t *t, mp_obj_t net, uint32_t fea_len, mp_int_t classes, mp_int_t samples) {
    file_head_t head;
    transfer(t, &head, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.version != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("this is no file of classifier.save()"));
    }
    if (head.n_classes > head.classes || head.n_samples > head.samples || head.trained > head.classes
        || head.classes > MAX_CLASSES || head.samples > MAX_SAMPLES) {
        raise_os(MP_ERROR_TEXT("the classifier's file is damaged: %u classes, %u samples"), head.classes, head.samples);
    }
    if (head.length != fea_len) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the file was made with %u features, the model gives %u"),
            (unsigned)head.length, (unsigned)fea_len);
    }
    classes = classes > 0 ? classes : (mp_int_t)head.classes;
    samples = samples > 0 ? samples : (mp_int_t)head.samples;
    if (classes < (mp_int_t)head.n_classes || classes < (mp_int_t)head.trained || samples < (mp_int_t)head.n_samples) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("the file has %u classes and %u samples"),
            (unsigned)head.n_classes, (unsigned)head.n_samples);
    }
    classifier_t *self = new_classifier(net, head.length, classes, samples);
    self->n_classes = head.n_classes;
    self->n_samples = head.n_samples;
    self->trained = head.trained;
    transfer_body(t, self);
    return self;
}

// kpu.classifier.load(model, path, [class_num, sample_num], fea_len=0) -> (classifier, class_num, sample_num)
static mp_obj_t classifier_load(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_model, ARG_path, ARG_class_num, ARG_sample_num, ARG_fea_len };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_model, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_path, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_class_num, MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_sample_num, MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_fea_len, MP_ARG_INT, { .u_int = 0 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_obj_t model = args[ARG_model].u_obj;
    if (mp_obj_is_type(model, &modkpu_classifier_type)) {
        mp_raise_ValueError(MP_ERROR_TEXT("must be class"));
    }
    if (!mp_obj_is_type(model, &modkpu_net_type)) {
        mp_raise_ValueError(MP_ERROR_TEXT("must be model"));
    }
    mp_int_t wanted = args[ARG_fea_len].u_int;
    uint32_t length = features(model, wanted < 0 || wanted > MAX_FLOATS ? UINT32_MAX : (uint32_t)wanted);
    transfer_t t = { .file = open_file(args[ARG_path].u_obj, MP_QSTR_rb), .sum = 2166136261u };
    classifier_t *self;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        self = read_file(&t, model, length, args[ARG_class_num].u_int, args[ARG_sample_num].u_int);
        nlr_pop();
    } else {
        mp_stream_close(t.file);
        nlr_jump(nlr.ret_val);
    }
    mp_stream_close(t.file);
    mp_obj_t items[3] = {
        MP_OBJ_FROM_PTR(self), mp_obj_new_int_from_uint(self->classes), mp_obj_new_int_from_uint(self->samples),
    };
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(classifier_load_fun_obj, 2, classifier_load);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(classifier_load_obj, MP_ROM_PTR(&classifier_load_fun_obj));

// ---- the type --------------------------------------------------------------------------------

static void classifier_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    classifier_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "{\"classes\": %u, \"class_num\": %u, \"samples\": %u, \"sample_num\": %u, \"fea_len\": %u, \"trained\": %u}",
        (unsigned)self->n_classes, (unsigned)self->classes, (unsigned)self->n_samples, (unsigned)self->samples,
        (unsigned)self->length, self->trained != 0);
}

static const mp_rom_map_elem_t classifier_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_add_class_img), MP_ROM_PTR(&classifier_add_class_img_obj) },
    { MP_ROM_QSTR(MP_QSTR_add_sample_img), MP_ROM_PTR(&classifier_add_sample_img_obj) },
    { MP_ROM_QSTR(MP_QSTR_rm_class_img), MP_ROM_PTR(&classifier_rm_class_img_obj) },
    { MP_ROM_QSTR(MP_QSTR_rm_sample_img), MP_ROM_PTR(&classifier_rm_sample_img_obj) },
    { MP_ROM_QSTR(MP_QSTR_train), MP_ROM_PTR(&classifier_train_obj) },
    { MP_ROM_QSTR(MP_QSTR_predict), MP_ROM_PTR(&classifier_predict_obj) },
    { MP_ROM_QSTR(MP_QSTR_save), MP_ROM_PTR(&classifier_save_obj) },
    { MP_ROM_QSTR(MP_QSTR_load), MP_ROM_PTR(&classifier_load_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&classifier_del_obj) },
};
static MP_DEFINE_CONST_DICT(classifier_locals, classifier_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_classifier_type,
    MP_QSTR_classifier,
    MP_TYPE_FLAG_NONE,
    make_new, classifier_make_new,
    print, classifier_print,
    locals_dict, &classifier_locals
    );
