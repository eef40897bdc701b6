/*
 * infotext.h - the text in which pictures carry their settings: the PNG text "parameters" of this and many
 * other programs.
 *
 *     PROMPT, over any number of lines
 *     Negative prompt: TEXT, likewise; absent when it is empty
 *     Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: "a, quoted", ...
 */
#ifndef INFOTEXT_H
#define INFOTEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { INFOTEXT_MAX_PAIRS = 64 };

struct infotext_pair {
    const char *key, *value; /* value without its quotes */
};

struct infotext {
    const char *prompt, *negative_prompt;
    struct infotext_pair pairs[INFOTEXT_MAX_PAIRS]; /* of the last line, in its order */
    size_t count;                                   /* 0: there is no such line, and all is prompt */
    char *storage;                                  /* owned; the strings stand in it */
};

/* Takes any text apart.  False without memory; else the caller ends *out with infotext_fini. */
bool infotext_parse(const char *text, struct infotext *out);
void infotext_fini(struct infotext *info); /* also of a zeroed struct */

/* The value of a key ("CFG scale"); NULL when there is none. */
const char *infotext_find(const struct infotext *info, const char *key);

#endif
