/*
 * jpeg.c - an untrusted JPEG file to pixels, by libjpeg-turbo.
 *
 * A camera notes in the file's Exif block which way up it was held (JEITA CP-3451, tag 0x0112); whoever sends
 * a photograph has only seen it turned, so it is turned here.
 */
#include "image/image_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum {
    EXIF_MARKER = 0xE1,
    SCAN_MARKER = 0xDA,
    EXIF_NAME = 6,
    TIFF_HEADER = 8,
    IFD_ENTRY = 12,
    ORIENTATION = 0x0112
};

static unsigned two_bytes(const uint8_t *at, bool little)
{
    return little ? (unsigned)at[0] | (unsigned)at[1] << 8 : (unsigned)at[0] << 8 | at[1];
}

static size_t four_bytes(const uint8_t *at, bool little)
{
    const size_t first = two_bytes(at, little), second = two_bytes(at + 2, little);

    return little ? first | second << 16 : first << 16 | second;
}

/* The orientation that a TIFF structure tells, 1 to 8; 1 where it tells none. */
static unsigned tiff_orientation(const uint8_t *tiff, size_t size)
{
    const bool little = size >= TIFF_HEADER && tiff[0] == 'I';
    size_t at, count;

    if (size < TIFF_HEADER || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    at = four_bytes(tiff + 4, little);
    if (at > size - 2)
        return 1;
    count = two_bytes(tiff + at, little);
    at += 2;
    for (size_t i = 0; i < count && size - at >= IFD_ENTRY; i++, at += IFD_ENTRY)
        if (two_bytes(tiff + at, little) == ORIENTATION) {
            const unsigned told = two_bytes(tiff + at + 8, little);

            return told >= 1 && told <= 8 ? told : 1;
        }
    return 1;
}

/* The same of a JPEG file: what its Exif segment says, which stands before the first scan. */
static unsigned orientation_of(const uint8_t *data, size_t size)
{
    size_t at = 2;

    while (size - at >= 4 && data[at] == 0xFF && data[at + 1] != SCAN_MARKER) {
        const size_t length = two_bytes(data + at + 2, false);

        if (length < 2 || size - at - 2 < length)
            return 1;
        if (data[at + 1] == EXIF_MARKER && length >= 2 + EXIF_NAME &&
            memcmp(data + at + 4, "Exif\0", EXIF_NAME) == 0)
            return tiff_orientation(data + at + 4 + EXIF_NAME, length - 2 - EXIF_NAME);
        at += 2 + length;
    }
    return 1;
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

static enum ltd_status decode(tjhandle reader, const uint8_t *data, size_t size, size_t max_pixels,
                              struct ltd_image **out, struct ltd_error *err)
{
    struct ltd_image *image = NULL;
    int width, height, sampling, colours;
    enum ltd_status st;

    if (tjDecompressHeader3(reader, data, size, &width, &height, &sampling, &colours) != 0)
        return ltd_fail(err, LTD_EFORMAT, "the JPEG file is damaged: %s", tjGetErrorStr2(reader));
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
