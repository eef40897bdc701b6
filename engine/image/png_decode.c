/*
 * png_decode.c - an untrusted PNG file to pixels.
 *
 * The header is read by hand first, so that nothing is allocated for a picture that is refused.  libpng
 * leaves through longjmp: read_all, which calls setjmp, owns nothing; all that must be freed is in struct
 * decoder, which its caller owns.
 */
#include <latentd/image.h>

#include "base/size_math.h"
#include "image/image_format.h"
#include "image/image_read.h"

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_SIZE = 8, HEADER_END = 33 /* signature, and IHDR with its length, name and CRC */ };

/* Deflate cannot make more than this many bytes of one. */
enum { DEFLATE_RATIO = 1032 };

static const uint8_t signature[SIGNATURE_SIZE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

static const uint32_t image_data = (uint32_t)'I' << 24 | 'D' << 16 | 'A' << 8 | 'T';

struct header {
    uint32_t width, height;
    int depth, colour_type;
};

struct decoder {
    png_structp png;
    png_infop info;
    const uint8_t *at, *end; /* of the file, not yet read */
    uint8_t *rgba;           /* [height, width, 4] */
    struct header header;
    bool at_last_row;  /* it is being read, or was */
    size_t late_data;  /* bytes of image data read since then */
    char message[128]; /* why libpng stopped */
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int samples_per_pixel(int colour_type)
{
    switch (colour_type) {
    case PNG_COLOR_TYPE_GRAY:
    case PNG_COLOR_TYPE_PALETTE:
        return 1;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return 2;
    case PNG_COLOR_TYPE_RGB:
        return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return 4;
    }
    return 0;
}

/* Bytes of a row in the file, before deflate. */
static uint64_t stored_row_size(const struct header *header)
{
    const uint64_t bits = (uint64_t)samples_per_pixel(header->colour_type) * (uint64_t)header->depth;

    return (header->width * bits + 7) / 8;
}

/* Whether a file of size bytes can hold the pixels that its header speaks of. */
static bool is_large_enough(const struct header *header, size_t size)
{
    return stored_row_size(header) * header->height / DEFLATE_RATIO <= size;
}

/* The image data that may be left at the last row: the row, an end mark and a checksum.  libpng inflates all
 * that follows the row before it complains, and a file of some megabytes can inflate for half a minute. */
static uint64_t late_data_max(const struct header *header)
{
    const uint64_t row = stored_row_size(header);

    return row + row / 8 + 1024;
}

static enum ltd_status read_header(const uint8_t *data, size_t size, size_t max_pixels, struct header *header,
                                   struct ltd_error *err)
{
    const char *other = image_format_other(data, size);
    enum ltd_status st;

    if (other)
        return ltd_fail(err, LTD_EUNSUPPORTED, "this is a %s file, not a PNG", other);
    if (size < SIGNATURE_SIZE || memcmp(data, signature, SIGNATURE_SIZE) != 0)
        return ltd_fail(err, LTD_EFORMAT, "this is not a PNG file");
    if (size < HEADER_END || big_endian(data + 8) != 13 || memcmp(data + 12, "IHDR", 4) != 0)
        return ltd_fail(err, LTD_EFORMAT, "the PNG file does not begin with its header");
    *header = (struct header){.width = big_endian(data + 16),
                              .height = big_endian(data + 20),
                              .depth = data[24],
                              .colour_type = data[25]};
    if (header->width == 0 || header->height == 0 || samples_per_pixel(header->colour_type) == 0)
        return ltd_fail(err, LTD_EFORMAT, "the header of the PNG file is wrong");
    st = image_check_size(header->width, header->height, max_pixels, err);
    if (st != LTD_OK)
        return st;
    if (!is_large_enough(header, size))
        return ltd_fail(err, LTD_EFORMAT, "the PNG file is too short for %u x %u pixels", header->width,
                        header->height);
    return LTD_OK;
}

static void on_error(png_structp png, png_const_charp message)
{
    struct decoder *decoder = png_get_error_ptr(png);

    strncpy(decoder->message, message, sizeof decoder->message - 1);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep out, size_t size)
{
    struct decoder *decoder = png_get_io_ptr(png);

    if (size > (size_t)(decoder->end - decoder->at))
        png_error(png, "it ends too early");
    if (decoder->at_last_row && png_get_io_chunk_type(png) == image_data) {
        decoder->late_data += size;
        if (decoder->late_data > late_data_max(&decoder->header))
            png_error(png, "too much image data");
    }
    memcpy(out, decoder->at, size);
    decoder->at += size;
}

static void set_limits(const struct decoder *decoder)
{
    png_structp png = decoder->png;

    png_set_user_limits(png, decoder->header.width, decoder->header.height);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 0);
    /* Every chunk that the pixels do not need is passed over: never held, so its length needs no limit. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_chunk_malloc_max(png, PNG_UINT_31_MAX);
}

/* Whatever the file holds, rows come as 8-bit RGBA. */
static void set_transforms(png_structp png)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
}

/* Reads the file to its end; false when libpng refused it.  Owns nothing: see the head of this file. */
static bool read_all(struct decoder *decoder)
{
    const size_t row_bytes = (size_t)decoder->header.width * 4;

    if (setjmp(png_jmpbuf(decoder->png)))
        return false;
    png_set_read_fn(decoder->png, decoder, on_read);
    set_limits(decoder);
    png_read_info(decoder->png, decoder->info);
    set_transforms(decoder->png);
    const int passes = png_set_interlace_handling(decoder->png);
    png_read_update_info(decoder->png, decoder->info);
    if (png_get_rowbytes(decoder->png, decoder->info) != row_bytes)
        png_error(decoder->png, "its rows have an unexpected length");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < decoder->header.height; y++) {
            decoder->at_last_row = pass == passes - 1 && y == decoder->header.height - 1;
            png_read_row(decoder->png, decoder->rgba + y * row_bytes, NULL);
        }
    png_read_end(decoder->png, NULL);
    if (decoder->at != decoder->end)
        png_error(decoder->png, "there are bytes after its end");
    return true;
}

/* Gives the decoder's pixels to a new image. */
static enum ltd_status take_image(struct decoder *decoder, image_flatten_fn *flatten, struct ltd_image **out,
                                  struct ltd_error *err)
{
    struct ltd_image *image =
        image_take_rgba(decoder->rgba, (int)decoder->header.width, (int)decoder->header.height, flatten);

    if (!image)
        return ltd_fail(err, LTD_ENOMEM, "no memory for a picture");
    decoder->rgba = NULL;
    *out = image;
    return LTD_OK;
}

enum ltd_status ltd_png_decode(const void *data, size_t size, size_t max_pixels, struct ltd_image **out,
                               struct ltd_error *err)
{
    return png_decode(data, size, max_pixels, image_flatten, out, err);
}

enum ltd_status png_decode(const void *data, size_t size, size_t max_pixels, image_flatten_fn *flatten,
                           struct ltd_image **out, struct ltd_error *err)
{
    struct decoder decoder = {.at = data, .end = (const uint8_t *)data + size};
    size_t rgba_size;
    enum ltd_status status = read_header(data, size, max_pixels, &decoder.header, err);

    if (status != LTD_OK)
        return status;
    if (size_mul((size_t)decoder.header.width * 4, decoder.header.height, &rgba_size))
        decoder.rgba = malloc(rgba_size);
    decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, on_error, on_warning);
    decoder.info = decoder.png ? png_create_info_struct(decoder.png) : NULL;
    if (!decoder.rgba || !decoder.info)
        status = ltd_fail(err, LTD_ENOMEM, "no memory to read a PNG file");
    else if (!read_all(&decoder))
        status = ltd_fail(err, LTD_EFORMAT, "the PNG file is damaged: %s", decoder.message);
    else
        status = take_image(&decoder, flatten, out, err);
    png_destroy_read_struct(&decoder.png, &decoder.info, NULL);
    free(decoder.rgba);
    return status;
}
