/*
 * embedding_file.h - a textual inversion embedding (Gal et al. 2022): vectors that stand in a prompt for a
 * word.
 *
 * Read are .safetensors files with a tensor [vectors, channels], or [channels], that is named emb_params or
 * is the only one: as AUTOMATIC1111, kohya's trainer and diffusers write them.  For Stable Diffusion XL there
 * are two, one a text encoder: clip_l and clip_g, of as many vectors.
 */
#ifndef EMBEDDING_FILE_H
#define EMBEDDING_FILE_H

#include <stddef.h>

#include <latentd/error.h>

/* The vectors for a model of one or two text encoders. */
struct embedding_vectors {
    float *first, *second; /* [count, channels of that encoder]; second is NULL where there is one */
    size_t count;
};

/* For text encoders of so many channels, channels[1] 0: there is one.  embedding_vectors_fini afterwards,
 * also on failure.  The error says what is wrong without the path.  Errors: LTD_EFORMAT not such a file,
 * values that are not finite; LTD_EUNSUPPORTED another width than channels, more vectors than `most`, or made
 * for another number of text encoders; LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status embedding_file_read(const char *path, const size_t channels[2], size_t most,
                                                 struct embedding_vectors *vectors, struct ltd_error *err);
void embedding_vectors_fini(struct embedding_vectors *vectors);

#endif
