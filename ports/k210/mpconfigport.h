/*
 * SPDX-License-Identifier: MIT
 *
 * Options controlling how MicroPython is built for the K210, overriding defaults in py/mpconfig.h.
 */
#include <stdint.h>
#include <alloca.h>

#include "mpconfigboard.h"

#define MICROPY_HW_MCU_NAME                     "K210"

#ifndef MICROPY_CONFIG_ROM_LEVEL
#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)
#endif

// Flash layout of MaixPy: firmware at 0, models from 0x300000, files from 0xD00000. A board with a
// smaller flash overrides these.
#ifndef MICROPY_HW_FLASH_FS_OFFSET
#define MICROPY_HW_FLASH_FS_OFFSET              (0xD00000)
#endif
#ifndef MICROPY_HW_FLASH_FS_SIZE
#define MICROPY_HW_FLASH_FS_SIZE                (0x300000)
#endif
#ifndef MICROPY_HW_REPL_BAUD
#define MICROPY_HW_REPL_BAUD                    (115200)
#endif
#ifndef MICROPY_HW_CPU_HZ
#define MICROPY_HW_CPU_HZ                       (403000000)
#endif
#ifndef MICROPY_HW_AI_HZ
#define MICROPY_HW_AI_HZ                        (400000000)
#endif
#define MICROPY_HW_SRAM_BYTES                   (6 * 1024 * 1024)
#ifndef MICROPY_HW_GC_HEAP
#define MICROPY_HW_GC_HEAP                      (384 * 1024)
#endif

// Memory: the heap starts with MICROPY_HW_GC_HEAP bytes and grows into the pool on demand.
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_GC_SPLIT_HEAP                   (1)
#define MICROPY_GC_SPLIT_HEAP_AUTO              (1)
#define MP_PLAT_ALLOC_HEAP(size)                pool_alloc_low(size, "gc heap")
#define MP_PLAT_FREE_HEAP(ptr)                  pool_free(ptr)
#define MICROPY_GC_STACK_ENTRY_TYPE             uint32_t
#define MICROPY_ALLOC_GC_STACK_SIZE             (1024)
#define MICROPY_ALLOC_PATH_MAX                  (256)
#define MICROPY_STACK_CHECK_MARGIN              (4096)
#define MICROPY_MEM_STATS                       (0)
#define MICROPY_TRACKED_ALLOC                   (1)

// nlrrv64.c does not save the callee-saved floating point registers, setjmp() does.
#define MICROPY_NLR_SETJMP                      (1)

// Core features.
#define MICROPY_OPT_COMPUTED_GOTO               (1)
#define MICROPY_READER_VFS                      (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_ERROR_REPORTING                 (MICROPY_ERROR_REPORTING_DETAILED)
#define MICROPY_WARNINGS                        (1)
#define MICROPY_SCHEDULER_DEPTH                 (8)
#define MICROPY_SCHEDULER_STATIC_NODES          (1)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
#define MICROPY_USE_INTERNAL_PRINTF             (1)
#define MICROPY_QSTR_BYTES_IN_HASH              (2)
#define MICROPY_PY_BUILTINS_HELP_TEXT           k210_help_text
#define MICROPY_PY_BUILTINS_BYTES_HEX           (1)

// Modules.
#define MICROPY_PY_SYS_PLATFORM                 "k210"
#define MICROPY_PY_GC_COLLECT_RETVAL            (1)
#define MICROPY_PY_MICROPYTHON_MEM_INFO         (1)
#define MICROPY_PY_OS_INCLUDEFILE               "ports/k210/modos.c"
#define MICROPY_PY_OS_SYNC                      (1)
#define MICROPY_PY_OS_UNAME                     (1)
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_OS_DUPTERM                   (1)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC        (k210_random_u32())
#define MICROPY_PY_RE_MATCH_GROUPS              (1)
#define MICROPY_PY_RE_MATCH_SPAN_START_END      (1)
#define MICROPY_PY_HASHLIB                      (0) // modules/crypto
#define MICROPY_PY_DEFLATE_COMPRESS             (1)
#define MICROPY_PY_FRAMEBUF                     (1)
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)
#define MICROPY_PY_TIME_INCLUDEFILE             "ports/k210/modtime.c"
#define MICROPY_PY_TIME_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_clock), MP_ROM_PTR(&k210_clock_type) }, \
    { MP_ROM_QSTR(MP_QSTR_ticks), MP_ROM_PTR(&mp_time_ticks_ms_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_set_time), MP_ROM_PTR(&k210_set_time_obj) },
#define MICROPY_PY_MACHINE                      (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE          "ports/k210/modmachine.c"
#define MICROPY_PY_MACHINE_RESET                (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS     (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_MACHINE_PIN_MAKE_NEW         mp_pin_make_new
#define MICROPY_PY_MACHINE_PIN_BASE             (1)
#define MICROPY_PY_MACHINE_SIGNAL               (1)
#define MICROPY_PY_MACHINE_PULSE                (1)
#define MICROPY_PY_ONEWIRE                      (1)
#define MICROPY_PY_MACHINE_BITSTREAM            (1)
#define MICROPY_PY_MACHINE_SOFTI2C              (1)
#define MICROPY_PY_MACHINE_SOFTSPI              (1)
#define MICROPY_PY_MACHINE_I2C                  (1)
#define MICROPY_PY_MACHINE_I2C_TRANSFER_WRITE1  (1)
#define MICROPY_HW_I2C_SLAVE                    (1)
#define MICROPY_PY_MACHINE_SPI                  (1)
#define MICROPY_PY_MACHINE_UART                 (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE     "ports/k210/machine_uart.c"
#define MICROPY_PY_MACHINE_UART_IRQ             (1)
#define MICROPY_PY_MACHINE_UART_READCHAR_WRITECHAR (1)
#define MICROPY_PY_MACHINE_UART_SENDBREAK       (1)
#define MICROPY_PY_MACHINE_MEMX                 (1)
#define MICROPY_PY_MACHINE_I2S                  (1)
#define MICROPY_PY_MACHINE_I2S_INCLUDEFILE      "ports/k210/machine_i2s.c"
#define MICROPY_PY_MACHINE_I2S_CONSTANT_RX      (0)
#define MICROPY_PY_MACHINE_I2S_CONSTANT_TX      (1)
#define MICROPY_PY_MACHINE_I2S_RING_BUF         (1)
#define MICROPY_PY_MACHINE_I2S_MCK              (1)
#define MICROPY_PY_MACHINE_I2S_FINALISER        (1)
#define MICROPY_HW_MAIX_FFT                     (1)

// modules/network, if it is built in
#define MICROPY_PY_NETWORK                      (K210_MODULE_NETWORK)
#define MICROPY_PY_SOCKET                       (K210_MODULE_NETWORK)
#define MICROPY_PY_SOCKET_EXTENDED_STATE        (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "k210"
#define MICROPY_PORT_NETWORK_INTERFACES \
    { MP_ROM_QSTR(MP_QSTR_ESP8285), MP_ROM_PTR(&network_esp8285_type) }, \
    { MP_ROM_QSTR(MP_QSTR_ESP32_SPI), MP_ROM_PTR(&network_esp32_spi_type) }, \
    { MP_ROM_QSTR(MP_QSTR_WLAN), MP_ROM_PTR(&network_wlan_type) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_IDLE), MP_ROM_INT(0) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_CONNECTING), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_WRONG_PASSWORD), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_NO_AP_FOUND), MP_ROM_INT(3) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_CONNECT_FAIL), MP_ROM_INT(4) }, \
    { MP_ROM_QSTR(MP_QSTR_STAT_GOT_IP), MP_ROM_INT(5) }, \
    { MP_ROM_QSTR(MP_QSTR_AUTH_OPEN), MP_ROM_INT(0) }, \
    { MP_ROM_QSTR(MP_QSTR_AUTH_WEP), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_AUTH_WPA_PSK), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_AUTH_WPA2_PSK), MP_ROM_INT(3) }, \
    { MP_ROM_QSTR(MP_QSTR_AUTH_WPA_WPA2_PSK), MP_ROM_INT(4) },

#define MICROPY_PY_THREAD                       (1)
#define MICROPY_MPTHREADPORT_H                  "ports/k210/mpthreadport.h"

// File systems; LFS2 and FAT are switched on in the Makefile.
#define MICROPY_VFS                             (1)
#define MICROPY_FATFS_ENABLE_LFN                (2)
#define MICROPY_FATFS_LFN_CODE_PAGE             437 /* 1=SFN/ANSI 437=LFN/U.S.(OEM) */
#define MICROPY_FATFS_RPATH                     (2)
#define MICROPY_FATFS_EXFAT                     (1) /* cards of 64 GB and more come with it */

#if K210_VARIANT
#include "mpconfigvariant.h"
#endif

// Type definitions for the machine.
#define MP_SSIZE_MAX                            (INT64_MAX)
typedef intptr_t mp_int_t; // must be pointer size
typedef uintptr_t mp_uint_t; // must be pointer size
typedef intptr_t mp_off_t;

#define MP_STATE_PORT                           MP_STATE_VM

struct _mp_obj_type_t;
extern const struct _mp_obj_type_t network_esp8285_type, network_esp32_spi_type, network_wlan_type;

#include "pool.h"
extern uint32_t k210_random_u32(void);
