/*
 * Kendryte K210: SoC and machine
 *
 * The SoC is one table. A block whose QOM type does not exist becomes a named
 * unimplemented device, so adding a device is adding a file; clocks,
 * interrupts, links, DMA requests and pad functions are wired by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/datadir.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "cpu.h"
#include "elf.h"
#include "exec/address-spaces.h"
#include "hw/char/serial.h"
#include "hw/irq.h"
#include "hw/loader.h"
#include "hw/misc/unimp.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/k210/k210.h"
#include "hw/k210/k210_clint.h"
#include "hw/k210/k210_cpu.h"
#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_plic.h"
#include "hw/k210/k210_caches.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_sysctl.h"
#include "system/reset.h"
#include "system/system.h"
#include "system/tcg.h"
#include "k210_rom_image.h"

#define PLIC_BASE       0x0c000000
#define CLINT_BASE      0x02000000

/* Where the reset vector's page tells the boot ROM to start a -kernel image. */
#define ROMCPU_ENTRY    0x20

typedef struct K210Block {
    const char *name;
    const char *type;
    uint32_t base;
    uint32_t size;      /* of the stand-in when the type does not exist */
    uint8_t irq;        /* first PLIC id, 0 = none */
    uint8_t nirqs;
    const char *clk;    /* SYSCTL output for the clock input "clk" */
    int8_t reset_bit;   /* in PERI_RESET, -1 = none */
    int8_t index;
} K210Block;

/* SYSCTL and FPIOA come first, others refer to them. */
static const K210Block blocks[] = {
    { "sysctl", "k210-sysctl", 0x50440000, 0x100, 0, 0, NULL, -1, 0 },
    { "fpioa",  "k210-fpioa",  0x502b0000, 0x100, 0, 0, "fpioa", 20, 0 },
    { "dmac",   "k210-dmac",   0x50000000, 0x1000, 27, 6, "dma", 1, 0 },
    { "clint",  "k210-clint",  CLINT_BASE, 0xc000, 0, 0, "cpu", -1, 0 },
    { "debug",  "k210-debug",  0x00000000, 0x1000, 0, 0, NULL, -1, 0 },
    { "uarths", "k210-uarths", 0x38000000, 0x1000, 33, 1, "cpu", -1, 0 },
    { "gpiohs", "k210-gpiohs", 0x38001000, 0x1000, 34, 32, "cpu", -1, 0 },
    { "kpu",    "k210-kpu",    0x40800000, 0xc00000, 25, 1, "ai", 2, 0 },
    { "fft",    "k210-fft",    0x42000000, 0x400000, 26, 1, "fft", 4, 0 },
    { "gpio",   "k210-gpio",   0x50200000, 0x100, 23, 1, "gpio", 5, 0 },
    { "uart1",  "k210-uart",   0x50210000, 0x100, 11, 1, "uart1", 16, 1 },
    { "uart2",  "k210-uart",   0x50220000, 0x100, 12, 1, "uart2", 17, 2 },
    { "uart3",  "k210-uart",   0x50230000, 0x100, 13, 1, "uart3", 18, 3 },
    { "spi2",   "k210-spi-slave", 0x50240000, 0x200, 3, 1, "spi2", 8, 2 },
    { "i2s0",   "k210-i2s",    0x50250000, 0x200, 5, 1, "i2s0", 10, 0 },
    { "apu",    "k210-apu",    0x50250200, 0x138, 0, 0, "i2s0", -1, 0 },
    { "i2s1",   "k210-i2s",    0x50260000, 0x200, 6, 1, "i2s1", 11, 1 },
    { "i2s2",   "k210-i2s",    0x50270000, 0x200, 7, 1, "i2s2", 12, 2 },
    { "i2c0",   "k210-i2c",    0x50280000, 0x100, 8, 1, "i2c0", 13, 0 },
    { "i2c1",   "k210-i2c",    0x50290000, 0x100, 9, 1, "i2c1", 14, 1 },
    { "i2c2",   "k210-i2c",    0x502a0000, 0x100, 10, 1, "i2c2", 15, 2 },
    { "sha256", "k210-sha256", 0x502c0000, 0x100, 0, 0, "sha", 26, 0 },
    { "timer0", "k210-timer",  0x502d0000, 0x100, 14, 2, "timer0", 21, 0 },
    { "timer1", "k210-timer",  0x502e0000, 0x100, 16, 2, "timer1", 22, 1 },
    { "timer2", "k210-timer",  0x502f0000, 0x100, 18, 2, "timer2", 23, 2 },
    { "wdt0",   "k210-wdt",    0x50400000, 0x100, 21, 1, "wdt0", 24, 0 },
    { "wdt1",   "k210-wdt",    0x50410000, 0x100, 22, 1, "wdt1", 25, 1 },
    { "otp",    "k210-otp",    0x50420000, 0x100, 0, 0, "otp", -1, 0 },
    { "dvp",    "k210-dvp",    0x50430000, 0x100, 24, 1, "dvp", 3, 0 },
    { "aes",    "k210-aes",    0x50450000, 0x100, 0, 0, "aes", 19, 0 },
    { "rtc",    "k210-rtc",    0x50460000, 0x100, 20, 1, "rtc", 29, 0 },
    { "spi0",   "k210-spi",    0x52000000, 0x200, 1, 1, "spi0", 6, 0 },
    { "spi1",   "k210-spi",    0x53000000, 0x200, 2, 1, "spi1", 7, 1 },
    { "spi3",   "k210-spi",    0x54000000, 0x02000000, 4, 1, "spi3", 9, 3 },
};

/* DMA requests: handshake selector values of SYSCTL DMA_SEL. */
static const struct {
    const char *block, *line;
    uint8_t hs, line_n;
} dma_requests[] = {
    { "spi0", "dma-rx", 0 }, { "spi0", "dma-tx", 1 },
    { "spi1", "dma-rx", 2 }, { "spi1", "dma-tx", 3 },
    { "spi2", "dma-rx", 4 }, { "spi2", "dma-tx", 5 },
    { "spi3", "dma-rx", 6 }, { "spi3", "dma-tx", 7 },
    { "i2c0", "dma-rx", 8 }, { "i2c0", "dma-tx", 9 },
    { "i2c1", "dma-rx", 10 }, { "i2c1", "dma-tx", 11 },
    { "i2c2", "dma-rx", 12 }, { "i2c2", "dma-tx", 13 },
    { "uart1", "dma-rx", 14 }, { "uart1", "dma-tx", 15 },
    { "uart2", "dma-rx", 16 }, { "uart2", "dma-tx", 17 },
    { "uart3", "dma-rx", 18 }, { "uart3", "dma-tx", 19 },
    { "aes", "dma-rx", 20 }, { "sha256", "dma-tx", 21 },
    { "kpu", "dma-rx", 22 },
    { "fft", "dma-rx", 23 }, { "fft", "dma-tx", 24 },
    { "i2s0", "dma-tx", 25 }, { "i2s0", "dma-rx", 26 },
    { "i2s1", "dma-tx", 27 }, { "i2s1", "dma-rx", 28 },
    { "i2s2", "dma-tx", 29 }, { "i2s2", "dma-rx", 30 },
};

/* Lines between blocks: count lines from out[out_n] to in[in_n]. */
static const struct {
    const char *from, *out;
    uint8_t out_n;
    const char *to, *in;
    uint8_t in_n, count;
} lines[] = {
    { "gpiohs", "out", 0, "fpioa", "func-out", K210_FUNC_GPIOHS0, 32 },
    { "gpiohs", "oe", 0, "fpioa", "func-oe", K210_FUNC_GPIOHS0, 32 },
    { "fpioa", "func-in", K210_FUNC_GPIOHS0, "gpiohs", "in", 0, 32 },
    { "gpio", "out", 0, "fpioa", "func-out", K210_FUNC_GPIO0, 8 },
    { "gpio", "oe", 0, "fpioa", "func-oe", K210_FUNC_GPIO0, 8 },
    { "fpioa", "func-in", K210_FUNC_GPIO0, "gpio", "in", 0, 8 },
    { "spi0", "cs", 0, "fpioa", "func-out", K210_FUNC_SPI0_SS0, 4 },
    { "spi1", "cs", 0, "fpioa", "func-out", K210_FUNC_SPI1_SS0, 4 },
    { "timer0", "toggle", 0, "fpioa", "func-out", K210_FUNC_TIMER0_TOGGLE1, 4 },
    { "timer1", "toggle", 0, "fpioa", "func-out",
      K210_FUNC_TIMER0_TOGGLE1 + 4, 4 },
    { "timer2", "toggle", 0, "fpioa", "func-out",
      K210_FUNC_TIMER0_TOGGLE1 + 8, 4 },
    { "dvp", "rst", 0, "fpioa", "func-out", K210_FUNC_CMOS_RST, 1 },
    { "dvp", "pwdn", 0, "fpioa", "func-out", K210_FUNC_CMOS_PWDN, 1 },
    { "dvp", "xclk", 0, "fpioa", "func-out", K210_FUNC_CMOS_XCLK, 1 },
    { "wdt0", "reset", 0, "sysctl", "wdt-reset", 0, 1 },
    { "wdt1", "reset", 0, "sysctl", "wdt-reset", 1, 1 },
    { "apu", "dma-rx", 0, "dmac", "hs", 31, 2 },
    { "apu", "irq", 0, "i2s0", "apu-irq", 0, 1 },
    { "i2s0", "apu-reset", 0, "apu", "reset", 0, 1 },
    { "sysctl", "timer-pause", 0, "timer0", "pause", 0, 4 },
    { "sysctl", "timer-pause", 4, "timer1", "pause", 0, 4 },
    { "sysctl", "timer-pause", 8, "timer2", "pause", 0, 4 },
    { "sysctl", "xip", 0, "spi0", "xip-en", 0, 1 },
    { "sysctl", "xip", 1, "spi1", "xip-en", 0, 1 },
    { "sysctl", "xip", 3, "spi3", "xip-en", 0, 1 },
    { "sysctl", "spi-dvp-data", 0, "dvp", "data-en", 0, 1 },
    { "sysctl", "spi-dvp-data", 0, "spi0", "data-en", 0, 1 },
};

/* The decoder's ranges; inside them a hole answers, outside it faults. */
static const struct {
    const char *name;
    uint32_t base, size;
} ranges[] = {
    { "core complex", 0x00000000, 0x10000000 },
    { "TileLink", 0x38000000, 0x08000000 },
    { "AXI", 0x40000000, 0x10000000 },
    { "AHB", 0x50000000, 0x00200000 },
    { "APB0", 0x50200000, 0x00200000 },
    { "APB1", 0x50400000, 0x00200000 },
    { "APB2", 0x52000000, 0x02000000 },
};

DeviceState *k210_block(K210MachineState *m, const char *name)
{
    Object *obj = object_resolve_path_component(m->soc, name);

    if (!obj || object_dynamic_cast(obj, TYPE_UNIMPLEMENTED_DEVICE)) {
        return NULL;
    }
    return DEVICE(obj);
}

bool k210_has_gpio(DeviceState *dev, const char *name, int n)
{
    g_autofree char *property = g_strdup_printf("%s[%d]", name, n);

    return dev && object_property_find(OBJECT(dev), property);
}

void k210_wire(DeviceState *from, const char *out, int out_n,
               DeviceState *to, const char *in, int in_n)
{
    if (k210_has_gpio(from, out, out_n) && k210_has_gpio(to, in, in_n)) {
        qdev_connect_gpio_out_named(from, out, out_n,
                                    qdev_get_gpio_in_named(to, in, in_n));
    }
}

void k210_link(DeviceState *dev, const char *property, void *target)
{
    if (dev && target && object_property_find(OBJECT(dev), property)) {
        object_property_set_link(OBJECT(dev), property, OBJECT(target),
                                 &error_abort);
    }
}

static bool has_clock(DeviceState *dev, const char *name)
{
    NamedClockList *ncl;

    QLIST_FOREACH(ncl, &dev->clocks, node) {
        if (!ncl->output && !strcmp(ncl->name, name)) {
            return true;
        }
    }
    return false;
}

static void map(K210MachineState *m, DeviceState *dev, hwaddr base, int prio)
{
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);

    memory_region_add_subregion_overlap(&m->bus, base,
                                        sysbus_mmio_get_region(sbd, 0), prio);
    sbd->mmio[0].addr = base;
}

/* Memory */

static uint64_t hole_read(void *opaque, hwaddr addr, unsigned size)
{
    MemoryRegion *mr = opaque;

    k210_guest_error("%s bus: read of %u bytes at 0x%" HWADDR_PRIx
                     ", where no block is", memory_region_name(mr), size,
                     mr->addr + addr);
    return 0;
}

static void hole_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    MemoryRegion *mr = opaque;

    k210_guest_error("%s bus: write of 0x%" PRIx64 " at 0x%" HWADDR_PRIx
                     ", where no block is", memory_region_name(mr), value,
                     mr->addr + addr);
}

static const MemoryRegionOps hole_ops = {
    .read = hole_read,
    .write = hole_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void rom_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    MemoryRegion *mr = opaque;

    k210_guest_error("%s: write of 0x%" PRIx64 " at 0x%" HWADDR_PRIx
                     " has no effect", memory_region_name(mr), value,
                     mr->addr + addr);
}

static const MemoryRegionOps rom_ops = {
    .write = rom_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

/* Covers the AI SRAM while it has no clock. On the chip such an access hangs. */
static uint64_t airam_off_read(void *opaque, hwaddr addr, unsigned size)
{
    MemoryRegion *mr = opaque;

    k210_guest_error("AI SRAM: read of %u bytes at 0x%" HWADDR_PRIx
                     " while the AI clock is off", size, mr->addr + addr);
    return 0;
}

static void airam_off_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    MemoryRegion *mr = opaque;

    k210_guest_error("AI SRAM: write of 0x%" PRIx64 " at 0x%" HWADDR_PRIx
                     " while the AI clock is off", value, mr->addr + addr);
}

static const MemoryRegionOps airam_off_ops = {
    .read = airam_off_read,
    .write = airam_off_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void ai_clock_changed(void *opaque, ClockEvent event)
{
    K210MachineState *m = opaque;
    Clock *ai = qdev_get_clock_out(k210_block(m, "sysctl"), "ai");

    for (int i = 0; i < 2; i++) {
        memory_region_set_enabled(&m->airam_off[i], !clock_is_enabled(ai));
    }
}

static void create_memory(K210MachineState *m)
{
    Object *o = OBJECT(m);
    MemoryRegion *sys = get_system_memory();

    /*
     * The core ignores address bits 63..32. The low 4 GiB are one region, seen
     * at 0 and, for programs linked to run in the last 2 GiB, at the top.
     */
    memory_region_init(&m->bus, o, "k210.bus", 4 * GiB);
    memory_region_init_alias(&m->bus_low, o, "k210.bus.low", &m->bus, 0,
                             4 * GiB);
    memory_region_init_alias(&m->bus_high, o, "k210.bus.high", &m->bus, 0,
                             4 * GiB);
    memory_region_add_subregion(sys, 0, &m->bus_low);
    memory_region_add_subregion(sys, 0xffffffff00000000ull, &m->bus_high);

    memory_region_init_ram(&m->sram, NULL, "k210.sram", K210_SRAM_SIZE,
                           &error_fatal);
    memory_region_init_alias(&m->sram_uncached, o, "k210.sram.uncached",
                             &m->sram, 0, K210_SRAM_SIZE);
    memory_region_add_subregion(&m->bus, K210_SRAM_BASE, &m->sram);
    memory_region_add_subregion(&m->bus, K210_SRAM_BASE - K210_UNCACHED,
                                &m->sram_uncached);

    memory_region_init_ram(&m->airam, NULL, "k210.airam", K210_AIRAM_SIZE,
                           &error_fatal);
    memory_region_init_alias(&m->airam_cached, o, "k210.airam.cached",
                             &m->airam, 0, K210_AIRAM_SIZE);
    memory_region_init_alias(&m->airam_uncached, o, "k210.airam.uncached",
                             &m->airam, 0, K210_AIRAM_SIZE);
    memory_region_add_subregion(&m->bus, K210_SRAM_BASE + K210_AIRAM_OFFSET,
                                &m->airam_cached);
    memory_region_add_subregion(&m->bus, K210_SRAM_BASE - K210_UNCACHED +
                                K210_AIRAM_OFFSET, &m->airam_uncached);
    for (int i = 0; i < 2; i++) {
        memory_region_init_io(&m->airam_off[i], o, &airam_off_ops,
                              &m->airam_off[i], "k210.airam.off",
                              K210_AIRAM_SIZE);
        memory_region_set_enabled(&m->airam_off[i], false);
        memory_region_add_subregion_overlap(&m->bus, K210_SRAM_BASE +
                                            K210_AIRAM_OFFSET -
                                            i * K210_UNCACHED,
                                            &m->airam_off[i], 1);
    }

    memory_region_init_rom_device(&m->rom, NULL, &rom_ops, &m->rom, "k210.rom",
                                  K210_ROM_SIZE, &error_fatal);
    memory_region_add_subregion(&m->bus, K210_ROM_BASE, &m->rom);
    memory_region_init_rom_device(&m->romcpu, NULL, &rom_ops, &m->romcpu,
                                  "k210.romcpu", K210_ROMCPU_SIZE,
                                  &error_fatal);
    memory_region_add_subregion(&m->bus, K210_ROMCPU_BASE, &m->romcpu);

    for (int i = 0; i < ARRAY_SIZE(ranges); i++) {
        memory_region_init_io(&m->holes[i], o, &hole_ops, &m->holes[i],
                              ranges[i].name, ranges[i].size);
        memory_region_add_subregion_overlap(&m->bus, ranges[i].base,
                                            &m->holes[i], -2000);
    }
}

/* Loads -kernel; returns its entry address, 0 when there is none. */
static uint64_t kernel_address(void *opaque, uint64_t address)
{
    return (uint32_t)address;
}

static uint64_t load_kernel(MachineState *machine)
{
    const char *file = machine->kernel_filename;
    uint64_t entry = K210_SRAM_BASE;

    if (!file) {
        return 0;
    }
    if (load_elf(file, NULL, kernel_address, NULL, &entry, NULL, NULL, NULL,
                 ELFDATA2LSB, EM_RISCV, 1, 0) > 0) {
        return (uint32_t)entry;
    }
    if (load_image_targphys(file, K210_SRAM_BASE, K210_SRAM_SIZE) > 0) {
        return K210_SRAM_BASE;
    }
    error_report("-kernel %s: neither a RISC-V ELF file nor a raw image of at"
                 " most 6 MiB", file);
    exit(1);
}

static void load_rom(K210MachineState *m)
{
    MachineState *machine = MACHINE(m);
    const char *file = machine->firmware;
    uint8_t *rom = memory_region_get_ram_ptr(&m->rom);
    uint8_t *romcpu = memory_region_get_ram_ptr(&m->romcpu);
    uint64_t entry = load_kernel(machine);
    uint64_t target = K210_ROM_BASE;
    static const uint32_t code[] = {
        0x00000297,             /* auipc t0, 0 */
        0x0182b283,             /* ld t0, 24(t0) */
        0x00028067,             /* jr t0 */
    };

    if (file && !strcmp(file, "none")) {
        if (!entry) {
            error_report("-bios none needs -kernel");
            exit(1);
        }
        target = entry;
    } else if (file) {
        g_autofree char *path = qemu_find_file(QEMU_FILE_TYPE_BIOS, file);

        if (!path || load_image_size(path, rom, K210_ROM_SIZE) < 0) {
            error_report("-bios %s: not a readable file of at most 128 KiB",
                         file);
            exit(1);
        }
    } else {
        QEMU_BUILD_BUG_ON(sizeof(k210_rom_image) > K210_ROM_SIZE);
        memcpy(rom, k210_rom_image, sizeof(k210_rom_image));
    }
    for (int i = 0; i < ARRAY_SIZE(code); i++) {
        stl_le_p(romcpu + 4 * i, code[i]);
    }
    stq_le_p(romcpu + 0x18, target);
    stq_le_p(romcpu + ROMCPU_ENTRY, entry);
}

/* Devices */

static void cpu_reset_handler(void *opaque)
{
    cpu_reset(CPU(opaque));
    k210_caches_reset();
}

static void create_harts(K210MachineState *m)
{
    for (int i = 0; i < K210_NHARTS; i++) {
        g_autofree char *name = g_strdup_printf("hart%d", i);
        Object *cpu = object_new(TYPE_K210_CPU);

        object_property_add_child(m->soc, name, cpu);
        qdev_prop_set_uint64(DEVICE(cpu), "resetvec", K210_ROMCPU_BASE);
        RISCV_CPU(cpu)->env.mhartid = i;
        qdev_realize(DEVICE(cpu), NULL, &error_fatal);
        object_unref(cpu);
        qemu_register_reset(cpu_reset_handler, cpu);
        if (m->caches) {
            k210_cpu_watch_caches(CPU(cpu));
        }
    }
}

static DeviceState *create_plic(K210MachineState *m)
{
    DeviceState *dev = qdev_new(TYPE_K210_PLIC);

    object_property_add_child(m->soc, "plic", OBJECT(dev));
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    map(m, dev, PLIC_BASE, 0);
    for (int i = 0; i < K210_NHARTS; i++) {
        /* The lines of the S contexts lead nowhere on this chip. */
        qdev_connect_gpio_out_named(dev, "eip", 2 * i,
                                    qdev_get_gpio_in(DEVICE(qemu_get_cpu(i)),
                                                     IRQ_M_EXT));
    }
    return dev;
}

static DeviceState *create_stand_in(K210MachineState *m, const K210Block *b)
{
    DeviceState *dev = qdev_new(TYPE_UNIMPLEMENTED_DEVICE);
    g_autofree char *name = g_strdup_printf("k210-%s", b->name);

    object_property_add_child(m->soc, b->name, OBJECT(dev));
    qdev_prop_set_string(dev, "name", name);
    qdev_prop_set_uint64(dev, "size", b->size);
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    map(m, dev, b->base, -1000);
    return dev;
}

static void create_block(K210MachineState *m, DeviceState *plic,
                         const K210Block *b)
{
    DeviceState *sysctl = k210_block(m, "sysctl");
    SysBusDevice *sbd;
    DeviceState *dev;

    if (!module_object_class_by_name(b->type)) {
        create_stand_in(m, b);
        return;
    }
    dev = qdev_new(b->type);
    sbd = SYS_BUS_DEVICE(dev);
    object_property_add_child(m->soc, b->name, OBJECT(dev));
    if (object_property_find(OBJECT(dev), "index")) {
        object_property_set_int(OBJECT(dev), "index", b->index, &error_abort);
    }
    k210_link(dev, "sysctl", sysctl);
    k210_link(dev, "fpioa", k210_block(m, "fpioa"));
    k210_link(dev, "dmac", k210_block(m, "dmac"));
    k210_link(dev, "airam", &m->airam);
    k210_link(dev, "i2c-buses", m->i2c_buses);
    k210_link(dev, "sensor", m->camera_dev);
    if (!strcmp(b->name, "fpioa")) {
        qdev_prop_set_uint64(dev, "pull-ups", k210_board_pull_ups(m->board));
    } else if (!strcmp(b->name, "uarths")) {
        qdev_prop_set_chr(dev, "chardev", k210_bridge_chardev(&m->bridge, 0));
    } else if (!strcmp(b->type, "k210-uart")) {
        qdev_prop_set_chr(dev, "chardev",
                          k210_bridge_chardev(&m->bridge, b->index));
    }
    if (b->clk && has_clock(dev, "clk")) {
        qdev_connect_clock_in(dev, "clk", qdev_get_clock_out(sysctl, b->clk));
    }
    sysbus_realize_and_unref(sbd, &error_fatal);
    map(m, dev, b->base, 0);
    for (int i = 0; i < b->nirqs && sysbus_has_irq(sbd, i); i++) {
        sysbus_connect_irq(sbd, i, qdev_get_gpio_in(plic, b->irq + i));
    }
    if (b->reset_bit >= 0) {
        K210_SYSCTL(sysctl)->reset_target[b->reset_bit] = dev;
    }
}

static void connect_blocks(K210MachineState *m)
{
    DeviceState *dmac = k210_block(m, "dmac");
    DeviceState *clint = k210_block(m, "clint");

    for (int i = 0; i < ARRAY_SIZE(dma_requests); i++) {
        k210_wire(k210_block(m, dma_requests[i].block), dma_requests[i].line,
                  dma_requests[i].line_n, dmac, "hs", dma_requests[i].hs);
    }
    for (int i = 0; i < ARRAY_SIZE(lines); i++) {
        for (int n = 0; n < lines[i].count; n++) {
            k210_wire(k210_block(m, lines[i].from), lines[i].out,
                      lines[i].out_n + n, k210_block(m, lines[i].to),
                      lines[i].in, lines[i].in_n + n);
        }
    }
    for (int i = 0; i < K210_NHARTS; i++) {
        DeviceState *cpu = DEVICE(qemu_get_cpu(i));

        qdev_connect_gpio_out_named(clint, "msip", i,
                                    qdev_get_gpio_in(cpu, IRQ_M_SOFT));
        qdev_connect_gpio_out_named(clint, "mtip", i,
                                    qdev_get_gpio_in(cpu, IRQ_M_TIMER));
        riscv_cpu_claim_interrupts(RISCV_CPU(cpu),
                                   MIP_MSIP | MIP_MTIP | MIP_SEIP);
    }
    k210_cpu_set_csrs(K210_CLINT(clint));
}

static void k210_init(MachineState *machine)
{
    K210MachineState *m = K210_MACHINE(machine);
    DeviceState *plic;
    Clock *ai;

    if (!m->board) {
        m->board = k210_board_find("maix_bit");
    }
    k210_set_strict(m->strict);
    m->soc = object_property_add_new_container(OBJECT(machine), "soc");
    create_memory(m);
    if (!m->caches_given) {
        m->caches = m->strict;
    }
    m->caches = m->caches && tcg_enabled();
    if (m->caches) {
        k210_caches_enable();
    }
    create_harts(m);
    plic = create_plic(m);
    k210_bridge_init(&m->bridge, NULL);
    for (int i = 0; i < ARRAY_SIZE(blocks); i++) {
        create_block(m, plic, &blocks[i]);
        if (!strcmp(blocks[i].name, "fpioa")) {
            k210_board_create_buses(m);
        }
    }
    connect_blocks(m);
    if (k210_block(m, "fpioa")) {
        m->bridge.fpioa = K210_FPIOA(k210_block(m, "fpioa"));
    }
    ai = clock_new(OBJECT(machine), "airam-clk");
    clock_set_callback(ai, ai_clock_changed, m, ClockUpdate);
    clock_set_source(ai, qdev_get_clock_out(k210_block(m, "sysctl"), "ai"));
    k210_board_create(m);
    load_rom(m);
}

/* Properties */

static char *machine_get_board(Object *obj, Error **errp)
{
    K210MachineState *m = K210_MACHINE(obj);

    return g_strdup(m->board ? m->board->name : "maix_bit");
}

static void machine_set_board(Object *obj, const char *value, Error **errp)
{
    const K210Board *board = k210_board_find(value);

    if (!board) {
        g_autofree char *names = k210_board_names();

        error_setg(errp, "no board '%s' (there are: %s)", value, names);
        return;
    }
    K210_MACHINE(obj)->board = board;
}

static bool machine_get_strict(Object *obj, Error **errp)
{
    return K210_MACHINE(obj)->strict;
}

static void machine_set_strict(Object *obj, bool value, Error **errp)
{
    K210_MACHINE(obj)->strict = value;
    k210_set_strict(value);
}

static bool machine_get_caches(Object *obj, Error **errp)
{
    return K210_MACHINE(obj)->caches;
}

static void machine_set_caches(Object *obj, bool value, Error **errp)
{
    if (phase_check(PHASE_MACHINE_INITIALIZED)) {
        error_setg(errp, "'caches' can be set at the start only");
        return;
    }
    K210_MACHINE(obj)->caches = value;
    K210_MACHINE(obj)->caches_given = true;
}

static bool machine_get_isp(Object *obj, Error **errp)
{
    K210MachineState *m = K210_MACHINE(obj);

    return m->keys ? object_property_get_bool(OBJECT(m->keys), "boot",
                                              &error_abort) : m->isp;
}

static void machine_set_isp(Object *obj, bool value, Error **errp)
{
    k210_board_set_boot_key(K210_MACHINE(obj), value);
}

static char *machine_get_camera(Object *obj, Error **errp)
{
    return g_strdup(K210_MACHINE(obj)->camera);
}

static void machine_set_camera(Object *obj, const char *value, Error **errp)
{
    g_free(K210_MACHINE(obj)->camera);
    K210_MACHINE(obj)->camera = g_strdup(value);
}

static char *machine_get_sensor(Object *obj, Error **errp)
{
    return g_strdup(K210_MACHINE(obj)->sensor);
}

static void machine_set_sensor(Object *obj, const char *value, Error **errp)
{
    g_free(K210_MACHINE(obj)->sensor);
    K210_MACHINE(obj)->sensor = g_strdup(value);
}

static void machine_get_time(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    uint64_t ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    visit_type_uint64(v, name, &ns, errp);
}

static char *machine_get_panel(Object *obj, Error **errp)
{
    return g_strdup(K210_MACHINE(obj)->panel);
}

static void machine_set_panel(Object *obj, const char *value, Error **errp)
{
    g_free(K210_MACHINE(obj)->panel);
    K210_MACHINE(obj)->panel = g_strdup(value);
}

static char *machine_get_wifi(Object *obj, Error **errp)
{
    return g_strdup(K210_MACHINE(obj)->wifi);
}

static void machine_set_wifi(Object *obj, const char *value, Error **errp)
{
    g_free(K210_MACHINE(obj)->wifi);
    K210_MACHINE(obj)->wifi = g_strdup(value);
}

static void k210_machine_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);
    g_autofree char *names = k210_board_names();

    mc->desc = "Kendryte K210 board";
    mc->init = k210_init;
    mc->default_cpu_type = TYPE_K210_CPU;
    mc->min_cpus = K210_NHARTS;
    mc->default_cpus = K210_NHARTS;
    mc->max_cpus = K210_NHARTS;
    mc->default_ram_size = 8 * MiB;
    mc->no_cdrom = true;
    mc->no_floppy = true;
    mc->no_parallel = true;

    object_class_property_add_str(oc, "board", machine_get_board,
                                  machine_set_board);
    object_class_property_set_description(oc, "board", names);
    object_class_property_add_bool(oc, "strict", machine_get_strict,
                                   machine_set_strict);
    object_class_property_set_description(oc, "strict",
                                          "stop at the first guest error");
    object_class_property_add_bool(oc, "caches", machine_get_caches,
                                   machine_set_caches);
    object_class_property_set_description(oc, "caches", "check the data"
                                          " caches; default: as strict");
    object_class_property_add_bool(oc, "isp", machine_get_isp, machine_set_isp);
    object_class_property_set_description(oc, "isp", "hold the BOOT key down");
    object_class_property_add_str(oc, "camera", machine_get_camera,
                                  machine_set_camera);
    object_class_property_set_description(oc, "camera", "host picture (PPM)"
                                          " that the camera sees");
    object_class_property_add_str(oc, "sensor", machine_get_sensor,
                                  machine_set_sensor);
    object_class_property_set_description(oc, "sensor", "camera sensor, or"
                                          " none; the board has a default");
    object_class_property_add(oc, "virtual-time", "uint64", machine_get_time,
                              NULL, NULL, NULL);
    object_class_property_set_description(oc, "virtual-time", "nanoseconds"
                                          " since the start");
    object_class_property_add_str(oc, "wifi", machine_get_wifi,
                                  machine_set_wifi);
    object_class_property_set_description(oc, "wifi", "character device"
                                          " behind the board's Wi-Fi module");
    object_class_property_add_str(oc, "panel", machine_get_panel,
                                  machine_set_panel);
    object_class_property_set_description(oc, "panel", "LCD, or none; the"
                                          " board has a default");
}

static const TypeInfo k210_machine_info[] = {
    {
        .name = TYPE_K210_MACHINE,
        .parent = TYPE_MACHINE,
        .instance_size = sizeof(K210MachineState),
        .class_init = k210_machine_class_init,
    },
};

DEFINE_TYPES(k210_machine_info)
