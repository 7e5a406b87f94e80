#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
  // Only what is drawn: header, palette, transparency and pixels. Texts and profiles may inflate to any size.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
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

// Decodes into samples of 1 or 2 bytes.
static int decode(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t sample_size, uint32_t width, uint32_t height,
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
  // The format's compression makes at most 1032 bytes of one.
  if ((uint64_t)png_get_rowbytes(png, info) * png_get_image_height(png, info) / 1032 > count) {
    png_error(png, "too short for the size that it declares");
  }
  png_set_expand(png);
  if (sample_size == 1) png_set_strip_16(png);
  const uint16_t one = 1;
  if (sample_size == 2 && *(const uint8_t *)&one == 1) png_set_swap(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);

  size_t row_size = 3 * sample_size * (size_t)width;
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

int gradcam_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                       char *message) {
  return decode(bytes, count, rgb, 1, width, height, message);
}

int gradcam_png_decode_deep(const uint8_t *bytes, size_t count, uint16_t *rgb, uint32_t width, uint32_t height,
                            char *message) {
  return decode(bytes, count, (uint8_t *)rgb, 2, width, height, message);
}
