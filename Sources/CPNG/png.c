#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "deflate.h"

typedef struct {
  jmp_buf jump;
  char *message;
} Failure;

typedef struct {
  const uint8_t *bytes;
  size_t left;
} Source;

static void fail(png_structp png, png_const_charp text) {
  Failure *failure = png_get_error_ptr(png);
  snprintf(failure->message, 256, "%s", text);
  longjmp(failure->jump, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  Source *source = png_get_io_ptr(png);
  if (count > source->left) png_error(png, "the file ends too early");
  memcpy(out, source->bytes, count);
  source->bytes += count;
  source->left -= count;
}

static void read_header(png_structp png, png_infop info, Source *source) {
  png_set_read_fn(png, source, read_bytes);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(png, info);
}

int gradcam_png_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  Failure failure = {.message = message};
  Source source = {bytes, count};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, fail, ignore_warning);
  png_infop info = png == NULL ? NULL : png_create_info_struct(png);
  if (info == NULL) {
    snprintf(message, 256, "out of memory");
    png_destroy_read_struct(&png, NULL, NULL);
    return -1;
  }
  if (setjmp(failure.jump)) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  read_header(png, info, &source);
  *width = png_get_image_width(png, info);
  *height = png_get_image_height(png, info);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

int gradcam_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                       char *message) {
  Failure failure = {.message = message};
  Source source = {bytes, count};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, fail, ignore_warning);
  png_infop info = png == NULL ? NULL : png_create_info_struct(png);
  if (info == NULL) {
    snprintf(message, 256, "out of memory");
    png_destroy_read_struct(&png, NULL, NULL);
    return -1;
  }
  if (setjmp(failure.jump)) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  read_header(png, info, &source);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  size_t row_size = 3 * (size_t)width;
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
      png_get_rowbytes(png, info) != row_size) {
    png_error(png, "the size differs from what was asked for");
  }
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < height; y++) png_read_row(png, rgb + y * row_size, NULL);
  }
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}

static uint8_t *put_number(uint8_t *at, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = (uint8_t)(number >> shift);
  return at;
}

/// Writes length and type of a chunk whose `count` bytes stand behind them, and the checksum behind those.
static uint8_t *finish_chunk(uint8_t *chunk, const char *type, size_t count) {
  put_number(chunk, (uint32_t)count);
  memcpy(chunk + 4, type, 4);
  uint8_t *end = chunk + 8 + count;
  return put_number(end, (uint32_t)crc32_z(0, chunk + 4, count + 4));
}

int gradcam_png_encode(const uint8_t *rgb, uint32_t width, uint32_t height, uint8_t **bytes, size_t *count,
                       char *message) {
  // Filtered rows, each behind the number of its filter, one block at a time.
  size_t row_size = 3 * (size_t)width + 1, total = row_size * height;
  size_t blocks = (total + DEFLATE_BLOCK - 1) / DEFLATE_BLOCK;
  uint8_t *filtered = malloc(row_size + DEFLATE_BLOCK), *file = malloc(blocks * DEFLATE_BLOCK_CAPACITY + 128);
  if (filtered == NULL || file == NULL || blocks * DEFLATE_BLOCK_CAPACITY > PNG_UINT_31_MAX) {
    free(filtered);
    free(file);
    snprintf(message, 256, "out of memory");
    return -1;
  }
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, kind[5] = {8, PNG_COLOR_TYPE_RGB};
  memcpy(file, signature, 8);
  memcpy(put_number(put_number(file + 16, width), height), kind, 5);
  uint8_t *data = finish_chunk(file + 8, "IHDR", 13);

  DeflateOutput output = {.next = data + 8};
  *output.next++ = 0x78;
  *output.next++ = 0x01;
  size_t waiting = 0, coded = 0;
  uLong checksum = adler32_z(0, NULL, 0);
  for (uint32_t y = 0; y < height; y++) {
    const uint8_t *row = rgb + y * (row_size - 1);
    uint8_t *target = filtered + waiting;
    *target++ = PNG_FILTER_VALUE_SUB;
    memcpy(target, row, 3);
    for (size_t i = 3; i < row_size - 1; i++) target[i] = row[i] - row[i - 3];
    waiting += row_size;
    uint8_t *next = filtered;
    while (waiting >= DEFLATE_BLOCK || (y == height - 1 && waiting > 0)) {
      size_t size = waiting < DEFLATE_BLOCK ? waiting : DEFLATE_BLOCK;
      checksum = adler32_z(checksum, next, size);
      coded += size;
      deflate_block(&output, next, size, coded == total);
      next += size;
      waiting -= size;
    }
    if (next != filtered) memmove(filtered, next, waiting);
  }
  deflate_finish(&output);
  uint8_t *end = put_number(output.next, (uint32_t)checksum);
  end = finish_chunk(data, "IDAT", (size_t)(end - data - 8));
  end = finish_chunk(end, "IEND", 0);
  free(filtered);
  *bytes = file;
  *count = (size_t)(end - file);
  return 0;
}
