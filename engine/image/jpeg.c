/*
 * jpeg.c - an untrusted JPEG file to pixels, and pixels to a JPEG file, by libjpeg-turbo.
 *
 * A camera notes in the file's Exif block which way up it was held (JEITA CP-3451, tag 0x0112); whoever sends
 * a photograph has only seen it turned, so it is turned here.
 */
#include "image/exif.h"
#include "image/image_read.h"
#include "image/image_write.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum {
    EXIF_MARKER = 0xE1,
    SCAN_MARKER = 0xDA,
    EXIF_NAME = 6,
    SEGMENT_MAX = 0xFFFF, /* with its length */
    START = 2,            /* the mark that a file begins with */
    SIDE_MAX = 65500      /* libjpeg's */
};

/* The TIFF structure of a JPEG's Exif segment, which stands before the first scan; NULL: it has none. */
static const uint8_t *find_exif(const uint8_t *data, size_t size, size_t *exif_bytes)
{
    size_t at = 2;

    while (size > at && size - at >= 4 && data[at] == 0xFF && data[at + 1] != SCAN_MARKER) {
        const size_t length = (size_t)data[at + 2] << 8 | data[at + 3];

        if (length < 2 || size - at - 2 < length)
            return NULL;
        if (data[at + 1] == EXIF_MARKER && length >= 2 + EXIF_NAME &&
            memcmp(data + at + 4, "Exif\0", EXIF_NAME) == 0) {
            *exif_bytes = length - 2 - EXIF_NAME;
            return data + at + 4 + EXIF_NAME;
        }
        at += 2 + length;
    }
    return NULL;
}

static unsigned orientation_of(const uint8_t *data, size_t size)
{
    size_t exif_bytes;
    const uint8_t *exif = find_exif(data, size, &exif_bytes);

    return exif ? exif_orientation(exif, exif_bytes) : 1;
}

/* Where the pixel at (x, y) of the upright picture stands in the stored one of w x h. */
static size_t stored_place(unsigned orientation, int x, int y, int w, int h)
{
    const bool across = orientation >= 5; /* rows are stored as columns */
    int column = across ? y : x, row = across ? x : y;

    if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        column = w - 1 - column;
    if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        row = h - 1 - row;
    return (size_t)row * (size_t)w + (size_t)column;
}

/* Turns *image the right way up. */
static enum ltd_status turn(struct ltd_image **image, unsigned orientation, struct ltd_error *err)
{
    const int w = (*image)->width, h = (*image)->height;
    struct ltd_image *turned = NULL;
    enum ltd_status st;

    if (orientation == 1)
        return LTD_OK;
    st = orientation >= 5 ? ltd_image_new(h, w, &turned, err) : ltd_image_new(w, h, &turned, err);
    if (st != LTD_OK)
        return st;
    for (int y = 0; y < turned->height; y++)
        for (int x = 0; x < turned->width; x++)
            memcpy(turned->pixels + ((size_t)y * (size_t)turned->width + (size_t)x) * 3,
                   (*image)->pixels + stored_place(orientation, x, y, w, h) * 3, 3);
    ltd_image_free(*image);
    *image = turned;
    return LTD_OK;
}

static enum ltd_status read_header(tjhandle reader, const uint8_t *data, size_t size, int *width, int *height,
                                   int *colours, struct ltd_error *err)
{
    int sampling;

    /* Of a file that ends before its picture it says that all is well, and nothing else. */
    *width = *height = *colours = 0;
    if (tjDecompressHeader3(reader, data, size, width, height, &sampling, colours) != 0 || *width < 1 ||
        *height < 1)
        return ltd_fail(err, LTD_EFORMAT, "the JPEG file is damaged: %s", tjGetErrorStr2(reader));
    return LTD_OK;
}

static enum ltd_status decode(tjhandle reader, const uint8_t *data, size_t size, size_t max_pixels,
                              struct ltd_image **out, struct ltd_error *err)
{
    struct ltd_image *image = NULL;
    int width, height, colours;
    enum ltd_status st = read_header(reader, data, size, &width, &height, &colours, err);

    if (st != LTD_OK)
        return st;
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return ltd_fail(err, LTD_EUNSUPPORTED,
                        "this JPEG file has the four colours of a printer; convert it to RGB");
    st = image_check_size((uint64_t)width, (uint64_t)height, max_pixels, err);
    if (st == LTD_OK)
        st = ltd_image_new(width, height, &image, err);
    if (st != LTD_OK)
        return st;
    /* A warning is missing or wrong data; thousands of scans of a large picture would take minutes. */
    if (tjDecompress2(reader, data, size, image->pixels, width, 0, height, TJPF_RGB,
                      TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS) != 0)
        st = ltd_fail(err, LTD_EFORMAT, "the JPEG file is damaged: %s", tjGetErrorStr2(reader));
    else
        st = turn(&image, orientation_of(data, size), err);
    if (st == LTD_OK)
        *out = image;
    else
        ltd_image_free(image);
    return st;
}

enum ltd_status jpeg_decode(const void *data, size_t size, size_t max_pixels, struct ltd_image **out,
                            struct ltd_error *err)
{
    tjhandle reader = tjInitDecompress();
    enum ltd_status st = reader ? decode(reader, data, size, max_pixels, out, err)
                                : ltd_fail(err, LTD_ENOMEM, "no memory to read a JPEG file");

    if (reader)
        tjDestroy(reader);
    return st;
}

enum ltd_status jpeg_texts(const void *data, size_t size, int *width, int *height, char **comment,
                           struct ltd_error *err)
{
    tjhandle reader = tjInitDecompress();
    int colours;
    size_t exif_bytes;
    const uint8_t *exif;
    enum ltd_status st;

    *comment = NULL;
    if (!reader)
        return ltd_fail(err, LTD_ENOMEM, "no memory to read a JPEG file");
    st = read_header(reader, data, size, width, height, &colours, err);
    tjDestroy(reader);
    if (st != LTD_OK)
        return st;
    exif = find_exif(data, size, &exif_bytes);
    return exif ? exif_comment(exif, exif_bytes, comment, err) : LTD_OK;
}

enum ltd_status jpeg_check(int width, int height, const char *comment, struct ltd_error *err)
{
    if (width > SIDE_MAX || height > SIDE_MAX)
        return ltd_fail(err, LTD_ETOOBIG, "the sides of a JPEG are at most %d; ask for png", SIDE_MAX);
    if (comment && exif_size(comment) + EXIF_NAME + 2 > SEGMENT_MAX)
        return ltd_fail(err, LTD_ETOOBIG,
                        "the settings, mostly the prompts, are too long for a JPEG, which has room for %d "
                        "characters; ask for png or webp, or for none in the picture",
                        (SEGMENT_MAX - EXIF_NAME - 2 - EXIF_FRAME) / 2);
    return LTD_OK;
}

/* The file with its Exif segment, which readers look for at the beginning, after JFIF's if there is one. */
static enum ltd_status add_exif(const uint8_t *file, size_t size, const char *comment, struct ltd_bytes *out,
                                struct ltd_error *err)
{
    const size_t exif = comment ? exif_size(comment) : 0, segment = comment ? 4 + EXIF_NAME + exif : 0;
    const size_t head =
        START + (file[START + 1] == 0xE0 ? 2 + ((size_t)file[START + 2] << 8 | file[START + 3]) : 0);
    uint8_t *data = malloc(size + segment), *at;

    if (!data)
        return ltd_fail(err, LTD_ENOMEM, "no memory to write a JPEG file");
    memcpy(data, file, head);
    at = data + head;
    if (comment) {
        at[0] = 0xFF;
        at[1] = EXIF_MARKER;
        at[2] = (uint8_t)((segment - 2) >> 8);
        at[3] = (uint8_t)(segment - 2);
        memcpy(at + 4, "Exif\0", EXIF_NAME);
        exif_write(comment, at + 4 + EXIF_NAME);
    }
    memcpy(at + segment, file + head, size - head);
    *out = (struct ltd_bytes){data, size + segment};
    return LTD_OK;
}

enum ltd_status jpeg_encode(const struct ltd_image *image, int quality, const char *comment,
                            struct ltd_bytes *out, struct ltd_error *err)
{
    tjhandle writer = tjInitCompress();
    unsigned char *file = NULL;
    unsigned long size = 0;
    enum ltd_status st;

    if (!writer)
        return ltd_fail(err, LTD_ENOMEM, "no memory to write a JPEG file");
    /* Colours at half the size, as PIL and AUTOMATIC1111 write them. */
    if (tjCompress2(writer, image->pixels, image->width, 0, image->height, TJPF_RGB, &file, &size, TJSAMP_420,
                    quality < 1 ? 1 : quality, TJFLAG_ACCURATEDCT) != 0)
        st = ltd_fail(err, LTD_ENOMEM, "cannot write a JPEG file: %s", tjGetErrorStr2(writer));
    else
        st = add_exif(file, size, comment, out, err);
    tjFree(file);
    tjDestroy(writer);
    return st;
}
