/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small printf on UARTHS. */

#include "rom.h"

static int put_number(uint64_t value, unsigned base, bool negative, int width,
                      char pad)
{
    char digits[24];
    int n = 0, written = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative) {
        if (pad == '0') {
            uart_put('-');
            written++;
            width--;
        } else {
            digits[n++] = '-';
        }
    }
    for (; width > n; width--, written++) {
        uart_put(pad);
    }
    for (; n; written++) {
        uart_put(digits[--n]);
    }
    return written;
}

int rom_printf(const char *format, ...)
{
    va_list ap;
    int written = 0;

    if (!format) {
        return 0;
    }
    va_start(ap, format);
    for (; *format; format++) {
        char pad = ' ';
        int width = 0;
        bool wide = false;
        int64_t number;
        const char *s;

        if (*format != '%') {
            uart_put(*format);
            written++;
            continue;
        }
        format++;
        if (*format == '0') {
            pad = '0';
        }
        while (*format >= '0' && *format <= '9') {
            width = width * 10 + *format++ - '0';
        }
        while (*format == 'l' || *format == 'z') {
            wide = true;
            format++;
        }
        switch (*format) {
        case 'd':
        case 'i':
            number = wide ? va_arg(ap, int64_t) : va_arg(ap, int);
            written += put_number(number < 0 ? -(uint64_t)number
                                             : (uint64_t)number,
                                  10, number < 0, width, pad);
            break;
        case 'u':
            number = wide ? va_arg(ap, int64_t) : va_arg(ap, unsigned);
            written += put_number(number, 10, false, width, pad);
            break;
        case 'p':
            wide = true;
            /* fall through */
        case 'x':
        case 'X':
            number = wide ? va_arg(ap, int64_t) : va_arg(ap, unsigned);
            written += put_number(number, 16, false, width, pad);
            break;
        case 'c':
            uart_put(va_arg(ap, int));
            written++;
            break;
        case 's':
            s = va_arg(ap, const char *);
            for (s = s ? s : "(null)"; *s; s++, written++, width--) {
                uart_put(*s);
            }
            for (; width > 0; width--, written++) {
                uart_put(' ');
            }
            break;
        case '\0':
            va_end(ap);
            return written;
        default:
            uart_put(*format);
            written++;
        }
    }
    va_end(ap);
    return written;
}
