// SPDX-License-Identifier: MIT
#include <string.h>

#include "cascades.h"

// IMAGE_CASCADES is the folder with the files that `k210 cascade` made.
#define CASCADE(name) \
    extern const uint8_t image_cascade_##name[], image_cascade_##name##_end[]; \
    __asm__(".pushsection .rodata.image_cascade, \"a\"\n" \
    "image_cascade_" #name ":\n" \
    ".incbin \"" IMAGE_CASCADES "/" #name ".cascade\"\n" \
    "image_cascade_" #name "_end:\n" \
    ".popsection\n")

CASCADE(frontalface);
CASCADE(eye);

const uint8_t *image_cascade(const char *name, size_t *n) {
    static const struct {
        const char *name;
        const uint8_t *data, *end;
    } table[] = {
        { "frontalface", image_cascade_frontalface, image_cascade_frontalface_end },
        { "eye", image_cascade_eye, image_cascade_eye_end },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(name, table[i].name) == 0) {
            *n = (size_t)(table[i].end - table[i].data);
            return table[i].data;
        }
    }
    return NULL;
}
