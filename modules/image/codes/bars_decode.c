// SPDX-License-Identifier: MIT
// Bar codes from the widths of bars and gaps. Every symbology has a table of its characters; the
// numbers are those of the standards.
#include <stdlib.h>
#include <string.h>

#include "bars.h"

static int64_t total(const int32_t *run, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += run[i];
    }
    return sum;
}

// How far n runs are from a pattern of widths (4 bits each, first run highest) of so many modules:
// in 1/1000 of a module per run.
static int64_t mismatch(const int32_t *run, size_t n, uint32_t widths, unsigned modules) {
    int64_t sum = total(run, n), off = 0;
    if (sum == 0) {
        return 1000000;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t want = widths >> 4 * (n - 1 - i) & 15, d = run[i] * (int64_t)modules * 1000 / sum - want * 1000;
        off += d < 0 ? -d : d;
    }
    return off / (int64_t)n;
}

#define GOOD (350)

// The widths of the modules of a bit pattern: runs of equal bits, 4 bits each.
static uint32_t widths_of(uint32_t bits, unsigned n) {
    uint32_t out = 0;
    for (unsigned i = 0; i < n;) {
        unsigned j = i;
        while (j < n && (bits >> (n - 1 - j) & 1) == (bits >> (n - 1 - i) & 1)) {
            j++;
        }
        out = out << 4 | (j - i);
        i = j;
    }
    return out;
}

// Nothing but paper in front and behind, at least so many modules.
static bool quiet(const bars_t *b, size_t first, size_t last, int64_t module, int64_t modules) {
    bool before = first == 1 || b->run[first - 1] >= module * modules;
    bool after = last + 1 >= b->n || b->run[last + 1] >= module * modules;
    return before && after;
}

static void put(bar_text_t *o, char c) {
    if (o->len < CODE_BAR_MAX - 1) {
        o->text[o->len++] = c;
    }
}

// ---- EAN and UPC --------------------------------------------------------------------------------

static const uint16_t ean_left[10] = { 0x3211, 0x2221, 0x2122, 0x1411, 0x1132, 0x1231, 0x1114, 0x1312, 0x1213, 0x3112 };

static uint32_t reversed(uint32_t w) {
    return (w & 15) << 12 | (w >> 4 & 15) << 8 | (w >> 8 & 15) << 4 | w >> 12;
}

// 0..9, 10..19 for the mirrored patterns (left halves only), -1.
static int ean_digit(const int32_t *run, bool mirrored_too) {
    int best = -1;
    int64_t least = GOOD;
    for (int i = 0; i < (mirrored_too ? 20 : 10); i++) {
        int64_t d = mismatch(run, 4, i < 10 ? ean_left[i] : reversed(ean_left[i - 10]), 7);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static bool ean_check(const char *text, size_t n) {
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (text[n - 1 - i] - '0') * (i % 2 ? 3 : 1);
    }
    return sum % 10 == 0;
}

static const uint8_t ean_parity[10] = { 0, 11, 13, 14, 19, 25, 28, 21, 22, 26 };

static bool guards(const int32_t *run, size_t n, int64_t module) {
    for (size_t i = 0; i < n; i++) {
        if (run[i] * 3 < module || run[i] * 2 > module * 5) {
            return false;
        }
    }
    return true;
}

// Two halves of n digits (6 or 4).
static bool decode_ean(const bars_t *b, size_t first, size_t n, bar_text_t *o) {
    size_t runs = 3 + 4 * n + 5 + 4 * n + 3;
    if (first + runs > b->n) {
        return false;
    }
    const int32_t *r = b->run + first;
    int64_t module = total(r, runs) / (int64_t)(14 * n + 11);
    if (!guards(r, 3, module) || !guards(r + 3 + 4 * n, 5, module) || !guards(r + runs - 3, 3, module) ||
        !quiet(b, first, first + runs - 1, module, 4)) {
        return false;
    }
    unsigned parity = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        int d = ean_digit(r + 3 + 4 * i + (i < n ? 0 : 5), i < n && n == 6);
        if (d < 0) {
            return false;
        }
        parity |= i < n ? (unsigned)(d >= 10) << (n - 1 - i) : 0;
        put(o, (char)('0' + d % 10));
    }
    if (n == 6) {
        unsigned lead = 0;
        while (lead < 10 && ean_parity[lead] != parity) {
            lead++;
        }
        if (lead == 10) {
            return false;
        }
        memmove(o->text + 1, o->text, o->len++);
        o->text[0] = (char)('0' + lead);
    }
    o->type = n == 6 ? CODE_EAN13 : CODE_EAN8;
    o->last = first + runs - 1;
    return ean_check(o->text, o->len);
}

// Six digits whose parities say the check digit; expanded to twelve they must agree with it.
static bool decode_upce(const bars_t *b, size_t first, bar_text_t *o) {
    if (first + 33 > b->n) {
        return false;
    }
    const int32_t *r = b->run + first;
    int64_t module = total(r, 33) / 51;
    if (!guards(r, 3, module) || !guards(r + 27, 6, module) || !quiet(b, first, first + 32, module, 5)) {
        return false;
    }
    char d[7] = { 0 }, full[13] = "000000000000";
    unsigned parity = 0;
    for (size_t i = 0; i < 6; i++) {
        int v = ean_digit(r + 3 + 4 * i, true);
        if (v < 0) {
            return false;
        }
        parity |= (unsigned)(v >= 10) << (5 - i);
        d[i] = (char)('0' + v % 10);
    }
    // Number system 0, the only one in use.
    int check = -1;
    for (int i = 0; i < 10; i++) {
        static const uint8_t even[10] = { 56, 52, 50, 49, 44, 38, 35, 42, 41, 37 };
        check = even[i] == parity ? i : check;
    }
    if (check < 0) {
        return false;
    }
    switch (d[5]) {
        case '0': case '1': case '2':
            memcpy(full + 1, d, 2);
            full[3] = d[5];
            memcpy(full + 8, d + 2, 3);
            break;
        case '3':
            memcpy(full + 1, d, 3);
            memcpy(full + 9, d + 3, 2);
            break;
        case '4':
            memcpy(full + 1, d, 4);
            full[10] = d[4];
            break;
        default:
            memcpy(full + 1, d, 5);
            full[10] = d[5];
            break;
    }
    full[11] = (char)('0' + check);
    if (!ean_check(full, 12)) {
        return false;
    }
    put(o, '0');
    for (int i = 0; i < 6; i++) {
        put(o, d[i]);
    }
    put(o, (char)('0' + check));
    o->type = CODE_UPCE;
    o->last = first + 32;
    return true;
}

// ---- Code 128 -----------------------------------------------------------------------------------

static const uint32_t c128[106] = {
    0x212222, 0x222122, 0x222221, 0x121223, 0x121322, 0x131222, 0x122213, 0x122312, 0x132212, 0x221213, 0x221312, 0x231212,
    0x112232, 0x122132, 0x122231, 0x113222, 0x123122, 0x123221, 0x223211, 0x221132, 0x221231, 0x213212, 0x223112, 0x312131,
    0x311222, 0x321122, 0x321221, 0x312212, 0x322112, 0x322211, 0x212123, 0x212321, 0x232121, 0x111323, 0x131123, 0x131321,
    0x112313, 0x132113, 0x132311, 0x211313, 0x231113, 0x231311, 0x112133, 0x112331, 0x132131, 0x113123, 0x113321, 0x133121,
    0x313121, 0x211331, 0x231131, 0x213113, 0x213311, 0x213131, 0x311123, 0x311321, 0x331121, 0x312113, 0x312311, 0x332111,
    0x314111, 0x221411, 0x431111, 0x111224, 0x111422, 0x121124, 0x121421, 0x141122, 0x141221, 0x112214, 0x112412, 0x122114,
    0x122411, 0x142112, 0x142211, 0x241211, 0x221114, 0x413111, 0x241112, 0x134111, 0x111242, 0x121142, 0x121241, 0x114212,
    0x124112, 0x124211, 0x411212, 0x421112, 0x421211, 0x212141, 0x214121, 0x412121, 0x111143, 0x111341, 0x131141, 0x114113,
    0x114311, 0x411113, 0x411311, 0x113141, 0x114131, 0x311141, 0x411131, 0x211412, 0x211214, 0x211232,
};

static int c128_symbol(const int32_t *run) {
    int best = -1;
    int64_t least = GOOD;
    for (int i = 0; i < 106; i++) {
        int64_t d = mismatch(run, 6, c128[i], 11);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static bool c128_text(const uint8_t *v, size_t n, bar_text_t *o) {
    // v[0] is the start, v[n-1] the check sum.
    char set = (char)('A' + v[0] - 103);
    bool shift = false;
    for (size_t i = 1; i + 1 < n; i++) {
        char use = shift ? (char)('A' + 'B' - set) : set;
        unsigned c = v[i];
        shift = false;
        if (use == 'C' && c < 100) {
            put(o, (char)('0' + c / 10));
            put(o, (char)('0' + c % 10));
        } else if (use != 'C' && c < 96) {
            put(o, (char)(c < 64 ? c + 32 : use == 'A' ? c - 64 : c + 32));
        } else if (c == 98 && use != 'C') {
            shift = true;
        } else if (c == 99 && use != 'C') {
            set = 'C';
        } else if (c == 100 && use != 'B') {
            set = 'B';
        } else if (c == 101 && use != 'A') {
            set = 'A';
        }
    }
    return o->len > 0;
}

static bool decode_c128(const bars_t *b, size_t first, bar_text_t *o) {
    uint8_t v[CODE_BAR_MAX];
    size_t n = 0, at = first;
    if (first + 19 > b->n || c128_symbol(b->run + first) < 103) {
        return false;
    }
    for (; at + 7 <= b->n && n < sizeof(v); at += 6) {
        if (n > 2 && mismatch(b->run + at, 7, 0x2331112, 13) < GOOD) {
            unsigned sum = v[0];
            for (size_t i = 1; i + 1 < n; i++) {
                sum += (unsigned)i * v[i];
            }
            o->type = CODE_CODE128;
            o->last = at + 6;
            return sum % 103 == v[n - 1] && quiet(b, first, o->last, total(b->run + first, 6) / 11, 4) && c128_text(v, n, o);
        }
        int s = c128_symbol(b->run + at);
        if (s < 0 || (n > 0 && s >= 103)) {
            return false;
        }
        v[n++] = (uint8_t)s;
    }
    return false;
}

// ---- Code 39 and Codabar: wide and narrow -------------------------------------------------------

// Which of n runs are wide, first highest; -1 when that is not clear.
static int wide_runs(const int32_t *run, size_t n, int wide) {
    int32_t sorted[9];
    memcpy(sorted, run, n * sizeof(*run));
    for (size_t i = 1; i < n; i++) {
        for (size_t j = i; j > 0 && sorted[j - 1] < sorted[j]; j--) {
            int32_t t = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = t;
        }
    }
    // A wide run has at least one and a half times the width of the widest narrow one.
    if ((int64_t)sorted[wide - 1] * 2 < (int64_t)sorted[wide] * 3 || sorted[wide] > 4 * (int64_t)sorted[n - 1] ||
        sorted[0] > 6 * (int64_t)sorted[n - 1]) {
        return -1;
    }
    int bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 1 | (run[i] >= sorted[wide - 1]);
    }
    return bits;
}

static const char c39_chars[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%*";
static const uint16_t c39[44] = {
    0x034, 0x121, 0x061, 0x160, 0x031, 0x130, 0x070, 0x025, 0x124, 0x064, 0x109, 0x049, 0x148, 0x019, 0x118, 0x058, 0x00d, 0x10c,
    0x04c, 0x01c, 0x103, 0x043, 0x142, 0x013, 0x112, 0x052, 0x007, 0x106, 0x046, 0x016, 0x181, 0x0c1, 0x1c0, 0x091, 0x190, 0x0d0,
    0x085, 0x184, 0x0c4, 0x0a8, 0x0a2, 0x08a, 0x02a, 0x094,
};

static char c39_char(const int32_t *run) {
    int bits = wide_runs(run, 9, 3);
    for (size_t i = 0; i < 44 && bits >= 0; i++) {
        if (c39[i] == bits) {
            return c39_chars[i];
        }
    }
    return 0;
}

static bool decode_c39(const bars_t *b, size_t first, bar_text_t *o) {
    if (first + 29 > b->n || c39_char(b->run + first) != '*') {
        return false;
    }
    for (size_t at = first + 10; at + 9 <= b->n; at += 10) {
        char c = c39_char(b->run + at);
        if (c == 0) {
            return false;
        }
        if (c == '*') {
            o->type = CODE_CODE39;
            o->last = at + 8;
            return o->len > 0 && quiet(b, first, o->last, total(b->run + first, 9) / 13, 5);
        }
        put(o, c);
    }
    return false;
}

static const char codabar_chars[] = "0123456789-$:/.+ABCD";
static const uint8_t codabar[20] = {
    0x03, 0x06, 0x09, 0x60, 0x12, 0x42, 0x21, 0x24, 0x30, 0x48, 0x0c, 0x18, 0x45, 0x51, 0x54, 0x15, 0x1a, 0x29, 0x0b, 0x0e,
};

static char codabar_char(const int32_t *run) {
    for (int wide = 2; wide <= 3; wide++) {
        int bits = wide_runs(run, 7, wide);
        for (size_t i = 0; i < 20 && bits >= 0; i++) {
            if (codabar[i] == bits && __builtin_popcount((unsigned)bits) == wide) {
                return codabar_chars[i];
            }
        }
    }
    return 0;
}

static bool decode_codabar(const bars_t *b, size_t first, bar_text_t *o) {
    if (first + 31 > b->n || codabar_char(b->run + first) < 'A') {
        return false;
    }
    for (size_t at = first; at + 7 <= b->n; at += 8) {
        char c = codabar_char(b->run + at);
        if (c == 0) {
            return false;
        }
        put(o, c);
        if (at > first && c >= 'A') {
            o->type = CODE_CODABAR;
            o->last = at + 6;
            return o->len > 4 && quiet(b, first, o->last, total(b->run + first, 7) / 10, 5);
        }
    }
    return false;
}

// ---- Code 93 ------------------------------------------------------------------------------------

static const uint16_t c93[48] = {
    0x114, 0x148, 0x144, 0x142, 0x128, 0x124, 0x122, 0x150, 0x112, 0x10a, 0x1a8, 0x1a4, 0x1a2, 0x194, 0x192, 0x18a, 0x168, 0x164,
    0x162, 0x134, 0x11a, 0x158, 0x14c, 0x146, 0x12c, 0x116, 0x1b4, 0x1b2, 0x1ac, 0x1a6, 0x196, 0x19a, 0x16c, 0x166, 0x136, 0x13a,
    0x12e, 0x1d4, 0x1d2, 0x1ca, 0x16e, 0x176, 0x1ae, 0x126, 0x1da, 0x1d6, 0x132, 0x15e,
};

static int c93_symbol(const int32_t *run) {
    int best = -1;
    int64_t least = GOOD;
    for (int i = 0; i < 48; i++) {
        int64_t d = mismatch(run, 6, widths_of(c93[i], 9), 9);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    return best;
}

static bool c93_check(const uint8_t *v, size_t n, unsigned most) {
    unsigned sum = 0, weight = 1;
    for (size_t i = n - 1; i-- > 0; weight = weight % most + 1) {
        sum += weight * v[i];
    }
    return sum % 47 == v[n - 1];
}

static bool decode_c93(const bars_t *b, size_t first, bar_text_t *o) {
    uint8_t v[CODE_BAR_MAX];
    size_t n = 0, at = first;
    if (first + 31 > b->n || c93_symbol(b->run + first) != 47) {
        return false;
    }
    for (at += 6; at + 7 <= b->n && n < sizeof(v); at += 6) {
        int s = c93_symbol(b->run + at);
        if (s < 0) {
            return false;
        }
        if (s < 47) {
            v[n++] = (uint8_t)s;
            continue;
        }
        if (n < 3 || !c93_check(v, n - 1, 20) || !c93_check(v, n, 15)) {
            return false;
        }
        for (size_t i = 0; i + 2 < n; i++) {
            if (v[i] < 43) {
                put(o, c39_chars[v[i]]);
                continue;
            }
            // Two symbols for one character: ($), (%), (/), (+) and a letter.
            char c = i + 3 < n && v[i + 1] >= 10 && v[i + 1] < 36 ? c39_chars[v[i + 1]] : 0;
            if (c == 0) {
                return false;
            }
            switch (v[i++]) {
                case 43:
                    put(o, (char)(c - 64));
                    break;
                case 44:
                    put(o, (char)(c <= 'E' ? c - 38 : c <= 'J' ? c - 11 : c <= 'O' ? c + 16 : c <= 'S' ? c + 43 : 127));
                    break;
                case 45:
                    put(o, (char)(c == 'Z' ? ':' : c - 32));
                    break;
                default:
                    put(o, (char)(c + 32));
                    break;
            }
        }
        o->type = CODE_CODE93;
        o->last = at + 6;
        return o->len > 0 && quiet(b, first, o->last, total(b->run + first, 6) / 9, 5);
    }
    return false;
}

// ---- Interleaved 2 of 5 -------------------------------------------------------------------------

static const uint8_t i25[10] = { 0x06, 0x11, 0x09, 0x18, 0x05, 0x14, 0x0c, 0x03, 0x12, 0x0a };

static int i25_digit(const int32_t *run) {
    const int32_t five[5] = { run[0], run[2], run[4], run[6], run[8] };
    int bits = wide_runs(five, 5, 2);
    for (int i = 0; i < 10 && bits >= 0; i++) {
        if (i25[i] == bits) {
            return i;
        }
    }
    return -1;
}

static bool decode_i25(const bars_t *b, size_t first, bar_text_t *o) {
    // Short ones are found in anything: at least six digits.
    if (first + 4 + 30 + 3 > b->n) {
        return false;
    }
    const int32_t *r = b->run + first;
    int64_t module = total(r, 4) / 4;
    if (!guards(r, 4, module)) {
        return false;
    }
    size_t at = first + 4;
    for (; at + 10 <= b->n; at += 10) {
        int p = i25_digit(b->run + at), q = i25_digit(b->run + at + 1);
        if (p < 0 || q < 0) {
            break;
        }
        put(o, (char)('0' + p));
        put(o, (char)('0' + q));
        const int32_t *e = b->run + at + 10;
        bool end = at + 13 <= b->n && e[0] * 2 > module * 3 && e[1] * 2 < module * 3 && e[2] * 2 < module * 3;
        if (end && quiet(b, first, at + 12, module, 6)) {
            o->type = CODE_I25;
            o->last = at + 12;
            return o->len >= 6;
        }
    }
    return false;
}

bool bars_decode(const bars_t *b, size_t *from, bar_text_t *out) {
    for (size_t first = *from | 1; first + 12 < b->n; first += 2) {
        // All begin with paper.
        if (first > 1 && b->run[first - 1] < 3 * (int64_t)b->run[first]) {
            continue;
        }
        for (int k = 0; k < 8; k++) {
            memset(out, 0, sizeof(*out));
            out->first = first;
            bool found = k == 0 ? decode_ean(b, first, 6, out) : k == 1 ? decode_ean(b, first, 4, out) :
                k == 2 ? decode_c128(b, first, out) : k == 3 ? decode_c39(b, first, out) : k == 4 ? decode_c93(b, first, out) :
                k == 5 ? decode_upce(b, first, out) : k == 6 ? decode_codabar(b, first, out) : decode_i25(b, first, out);
            if (found) {
                *from = out->last + 1;
                return true;
            }
        }
    }
    return false;
}
