// SPDX-License-Identifier: MIT
//
// As little firmware and as much memory for models as possible: camera, display, KPU, files in flash.
// Included at the end of mpconfigport.h.

#undef MICROPY_CONFIG_ROM_LEVEL
#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_CORE_FEATURES)

// Frame buffers leave general memory to the model.
#undef MICROPY_HW_FRAMES_IN_KPU_RAM
#define MICROPY_HW_FRAMES_IN_KPU_RAM            (1)
#undef MICROPY_HW_GC_HEAP
#define MICROPY_HW_GC_HEAP                      (48 * 1024)

#undef MICROPY_FLOAT_IMPL
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_FLOAT)
#undef MICROPY_ERROR_REPORTING
#define MICROPY_ERROR_REPORTING                 (MICROPY_ERROR_REPORTING_NORMAL)
#undef MICROPY_OPT_COMPUTED_GOTO
#define MICROPY_OPT_COMPUTED_GOTO               (0)
#undef MICROPY_ALLOC_GC_STACK_SIZE
#define MICROPY_ALLOC_GC_STACK_SIZE             (128)
#undef MICROPY_QSTR_BYTES_IN_HASH
#define MICROPY_QSTR_BYTES_IN_HASH              (1)
#undef MICROPY_WARNINGS
#define MICROPY_WARNINGS                        (0)

// What scripts and tools (mpremote, pytest) use beyond the core.
#undef MICROPY_HELPER_REPL
#define MICROPY_HELPER_REPL                     (1)
#undef MICROPY_REPL_AUTO_INDENT
#define MICROPY_REPL_AUTO_INDENT                (1)
#undef MICROPY_REPL_EMACS_KEYS
#define MICROPY_REPL_EMACS_KEYS                 (1)
#undef MICROPY_KBD_EXCEPTION
#define MICROPY_KBD_EXCEPTION                   (1)
#undef MICROPY_ENABLE_SCHEDULER
#define MICROPY_ENABLE_SCHEDULER                (1)
#undef MICROPY_ENABLE_FINALISER
#define MICROPY_ENABLE_FINALISER                (1)
#undef MICROPY_ENABLE_EXTERNAL_IMPORT
#define MICROPY_ENABLE_EXTERNAL_IMPORT          (1)
#undef MICROPY_MODULE_WEAK_LINKS
#define MICROPY_MODULE_WEAK_LINKS               (1)
#undef MICROPY_PY_BUILTINS_STR_UNICODE
#define MICROPY_PY_BUILTINS_STR_UNICODE         (1)
#undef MICROPY_PY_BUILTINS_MEMORYVIEW
#define MICROPY_PY_BUILTINS_MEMORYVIEW          (1)
#undef MICROPY_PY_BUILTINS_MIN_MAX
#define MICROPY_PY_BUILTINS_MIN_MAX             (1)
#undef MICROPY_PY_BUILTINS_ROUND_INT
#define MICROPY_PY_BUILTINS_ROUND_INT           (1)
#undef MICROPY_PY_BUILTINS_STR_SPLITLINES
#define MICROPY_PY_BUILTINS_STR_SPLITLINES      (1)
#undef MICROPY_PY_BUILTINS_INPUT
#define MICROPY_PY_BUILTINS_INPUT               (1)
#undef MICROPY_PY_ARRAY_SLICE_ASSIGN
#define MICROPY_PY_ARRAY_SLICE_ASSIGN           (1)
#undef MICROPY_PY_FUNCTION_ATTRS
#define MICROPY_PY_FUNCTION_ATTRS               (0)
#undef MICROPY_PY_DEFLATE_COMPRESS
#define MICROPY_PY_DEFLATE_COMPRESS             (0)
#undef MICROPY_PY_FRAMEBUF
#define MICROPY_PY_FRAMEBUF                     (0)
#undef MICROPY_PY_ASYNCIO
#define MICROPY_PY_ASYNCIO                      (0)
#undef MICROPY_PY_BINASCII
#define MICROPY_PY_BINASCII                     (1)
#undef MICROPY_PY_DEFLATE
#define MICROPY_PY_DEFLATE                      (1)
#undef MICROPY_PY_BINASCII_CRC32
#define MICROPY_PY_BINASCII_CRC32               (1)
#undef MICROPY_PY_JSON
#define MICROPY_PY_JSON                         (1)
#undef MICROPY_PY_OS
#define MICROPY_PY_OS                           (1)
#undef MICROPY_PY_RANDOM
#define MICROPY_PY_RANDOM                       (1)
#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME                         (1)
#undef MICROPY_PY_ERRNO
#define MICROPY_PY_ERRNO                        (1)
#undef MICROPY_PY_SYS_STDFILES
#define MICROPY_PY_SYS_STDFILES                 (1)
#undef MICROPY_PY_SYS_STDIO_BUFFER
#define MICROPY_PY_SYS_STDIO_BUFFER             (1)
#undef MICROPY_PY_VFS
#define MICROPY_PY_VFS                          (1)
#undef MICROPY_PY_OS_DUPTERM
#define MICROPY_PY_OS_DUPTERM                   (0)
#undef MICROPY_PY_RE_MATCH_GROUPS
#define MICROPY_PY_RE_MATCH_GROUPS              (0)
#undef MICROPY_PY_RE_MATCH_SPAN_START_END
#define MICROPY_PY_RE_MATCH_SPAN_START_END      (0)
#undef MICROPY_PY_MACHINE_SIGNAL
#define MICROPY_PY_MACHINE_SIGNAL               (0)
#undef MICROPY_PY_MACHINE_PULSE
#define MICROPY_PY_MACHINE_PULSE                (0)
#undef MICROPY_PY_ONEWIRE
#define MICROPY_PY_ONEWIRE                      (0)
#undef MICROPY_PY_MACHINE_BITSTREAM
#define MICROPY_PY_MACHINE_BITSTREAM            (0)
#undef MICROPY_PY_THREAD
#define MICROPY_PY_THREAD                       (0)

// Whole numbers of 63 bits; hardly a script has longer ones.
#undef MICROPY_LONGINT_IMPL
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_NONE)
#undef MICROPY_PY_BUILTINS_COMPLEX
#define MICROPY_PY_BUILTINS_COMPLEX             (0)

// Sound, and what is on an SPI bus.
#undef MICROPY_HW_I2C_SLAVE
#define MICROPY_HW_I2C_SLAVE                    (0)
#undef MICROPY_PY_MACHINE_SPI
#define MICROPY_PY_MACHINE_SPI                  (0)
#undef MICROPY_PY_MACHINE_SOFTSPI
#define MICROPY_PY_MACHINE_SOFTSPI              (0)
#undef MICROPY_PY_MACHINE_I2S
#define MICROPY_PY_MACHINE_I2S                  (0)
#undef MICROPY_HW_MAIX_FFT
#define MICROPY_HW_MAIX_FFT                     (0)
