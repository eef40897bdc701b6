/*
 * fuzz.h - what every fuzz target defines.
 *
 * A target is one file, fuzz_NAME.c, with the entry below.  With run_corpus.c it becomes a test that runs
 * every file of corpus/NAME; with clang, `ninja tests/fuzz/fuzz_NAME` builds it with libFuzzer (see
 * meson.build).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PROMISE(condition)                                                                  \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

/* Runs the target on one input, and aborts when a promise is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
