// SPDX-License-Identifier: MIT
// The first program of a Linux without MMU on the K210: it uses what the kernel drives (both harts, timer, console,
// card, LEDs, I2C) and prints one line about each. It needs no C library and no writable data but its stack, so that
// a flat file without relocations is all there is to load.

typedef unsigned long word;

enum { AT_FDCWD = -100, O_RDWR = 2, O_CREAT = 0100, O_TRUNC = 01000 };
enum { MS_RDONLY = 1, MS_REMOUNT = 32, CLOCK_MONOTONIC = 1 };
enum { CLONE_VM = 0x100, SIGCHLD = 17, I2C_SLAVE = 0x703 };
enum {
    SYS_ioctl = 29, SYS_mount = 40, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64, SYS_sync = 81,
    SYS_exit = 93, SYS_nanosleep = 101, SYS_clock_gettime = 113, SYS_sched_setaffinity = 122, SYS_reboot = 142,
    SYS_getcpu = 168, SYS_clone = 220, SYS_wait4 = 260,
};

static long call(long number, word a, word b, word c, word d, word e) {
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    register word a4 __asm__("a4") = e;
    register word a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
    return a0;
}

#define call1(n, a) call(n, (word)(a), 0, 0, 0, 0)
#define call2(n, a, b) call(n, (word)(a), (word)(b), 0, 0, 0)
#define call3(n, a, b, c) call(n, (word)(a), (word)(b), (word)(c), 0, 0)
#define call4(n, a, b, c, d) call(n, (word)(a), (word)(b), (word)(c), (word)(d), 0)

void *memset(void *to, int value, word count) {
    volatile char *at = to;  // or the compiler makes a call to memset of the loop
    while (count--) {
        *at++ = value;
    }
    return to;
}

static void print(const char *text) {
    word length = 0;
    while (text[length]) {
        length++;
    }
    call3(SYS_write, 1, text, length);
}

static void print_number(const char *name, long value) {
    char digits[24];
    int at = sizeof(digits) - 1;
    word rest = value < 0 ? -value : value;
    digits[at] = 0;
    digits[--at] = '\n';
    do {
        digits[--at] = '0' + rest % 10;
        rest /= 10;
    } while (rest);
    if (value < 0) {
        digits[--at] = '-';
    }
    print("init: ");
    print(name);
    print(" ");
    print(digits + at);
}

static long open(const char *path, int flags) {
    return call4(SYS_openat, AT_FDCWD, path, flags, 0644);
}

static void cat(const char *path) {
    char buffer[256];
    long file = open(path, 0);
    if (file < 0) {
        print_number(path, file);
        return;
    }
    for (long got; (got = call3(SYS_read, file, buffer, sizeof(buffer))) > 0;) {
        call3(SYS_write, 1, buffer, got);
    }
    call1(SYS_close, file);
}

static long put(const char *path, const char *text, word length) {
    long file = open(path, O_RDWR | O_CREAT | O_TRUNC);
    if (file < 0) {
        return file;
    }
    long done = call3(SYS_write, file, text, length);
    call1(SYS_close, file);
    return done;
}

static long milliseconds(void) {
    long now[2];
    call2(SYS_clock_gettime, CLOCK_MONOTONIC, now);
    return now[0] * 1000 + now[1] / 1000000;
}

static void rest(long ms) {
    long time[2] = {ms / 1000, ms % 1000 * 1000000};
    call2(SYS_nanosleep, time, 0);
}

// Sum of a file as 32-bit FNV-1a, which a test can do as well.
static void sum(const char *path) {
    unsigned char buffer[512];
    unsigned hash = 0x811c9dc5;
    long file = open(path, 0);
    for (long got; file >= 0 && (got = call3(SYS_read, file, buffer, sizeof(buffer))) > 0;) {
        for (long i = 0; i < got; i++) {
            hash = (hash ^ buffer[i]) * 0x01000193;
        }
    }
    call1(SYS_close, file);
    print_number("sum", file < 0 ? file : (long)hash);
}

struct shared {
    volatile long turn, count, cpu;
};

static int run_on(word cpu) {
    word mask = 1 << cpu;
    unsigned now = 99;
    call3(SYS_sched_setaffinity, 0, sizeof(mask), &mask);
    call3(SYS_getcpu, &now, 0, 0);
    return now;
}

// Both sides pass a ball; each spins until it has it, so both harts must really run.
static void play(struct shared *shared, long side) {
    for (int i = 0; i < 1000; i++) {
        while (shared->turn != side) {
        }
        shared->count++;
        __sync_synchronize();
        shared->turn = !side;
    }
}

static long clone_thread(void *stack_top, struct shared *shared);

__attribute__((used, noreturn)) void thread(struct shared *shared) {
    shared->cpu = run_on(1);
    play(shared, 1);
    call1(SYS_exit, 0);
    __builtin_unreachable();
}

static long clone_thread(void *stack_top, struct shared *shared) {
    register word a0 __asm__("a0") = CLONE_VM | SIGCHLD;
    register word a1 __asm__("a1") = (word)stack_top;
    register word a2 __asm__("a2") = 0;
    register word a3 __asm__("a3") = 0;
    register word a4 __asm__("a4") = 0;
    register word a7 __asm__("a7") = SYS_clone;
    register word s1 __asm__("s1") = (word)shared;
    __asm__ volatile("ecall; bnez a0, 1f; mv a0, s1; call thread; 1:"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7), "r"(s1)
                     : "memory", "ra");
    return a0;
}

static void both_harts(void) {
    char stack[4096] __attribute__((aligned(16)));
    struct shared shared = {.cpu = 99};
    print_number("first cpu", run_on(0));
    long child = clone_thread(stack + sizeof(stack), &shared);
    if (child > 0) {
        play(&shared, 0);
        call4(SYS_wait4, child, 0, 0, 0);
    }
    print_number("second cpu", shared.cpu);
    print_number("passes", child > 0 ? shared.count : child);
}

static void i2c(const char *bus) {
    for (int address = 0x08; address < 0x78; address++) {
        unsigned char value;
        long file = open(bus, O_RDWR);
        if (file < 0) {
            print_number(bus, file);
            return;
        }
        call3(SYS_ioctl, file, I2C_SLAVE, address);
        if (call3(SYS_read, file, &value, 1) == 1) {
            print_number("i2c part at", address);
        }
        call1(SYS_close, file);
    }
    print("init: i2c scanned\n");
}

static void commands(void) {
    for (;;) {
        char line[64];
        print("ready> ");
        long got = call3(SYS_read, 0, line, sizeof(line) - 1);
        if (got < 2) {
            print_number("console ended", got);
            return;
        }
        line[got - 1] = 0;
        switch (line[0]) {
            case 'c':  // print a file
                cat(line + 1);
                break;
            case 's':  // sum of a file
                sum(line + 1);
                break;
            case 'w':  // write the name into the file of that name
                print_number("remounted", call(SYS_mount, (word) "/dev/root", (word) "/", 0, MS_REMOUNT, 0));
                print_number("written", put(line + 1, line + 1, got - 2));
                call(SYS_sync, 0, 0, 0, 0, 0);
                print_number("synced", 0);
                break;
            case 'l':  // light the LED of that name
                print_number("lit", put(line + 1, "1", 1));
                break;
            case 'i':
                i2c(line + 1);
                break;
            case 'r':
                call4(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, 0);
                print("init: still there\n");
                break;
            default:
                print("init: unknown command\n");
        }
    }
}

__attribute__((used, noreturn)) void start(void) {
    print_number("mounted proc", call(SYS_mount, (word) "proc", (word) "/proc", (word) "proc", 0, 0));
    print_number("mounted sys", call(SYS_mount, (word) "sysfs", (word) "/sys", (word) "sysfs", 0, 0));
    cat("/proc/cpuinfo");
    cat("/greeting");
    both_harts();
    long before = milliseconds();
    rest(1000);
    print_number("slept", milliseconds() - before);
    commands();
    for (;;) {
        rest(100000);
    }
}

__asm__(".section .text.start\n"
        ".globl _start\n"
        "_start: andi sp, sp, -16\n"
        "  call start\n"
        ".text\n");
