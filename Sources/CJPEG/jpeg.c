#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MAXIMUM_SCANS = 500 };

typedef struct {
  struct jpeg_error_mgr manager;
  jmp_buf jump;
  char *message;
} Failure;

typedef struct {
  struct jpeg_progress_mgr manager;
  uint64_t maximum_work;
} Limits;

static void fail(j_common_ptr info) {
  Failure *failure = (Failure *)info->err;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  snprintf(failure->message, 256, "%s", text);
  longjmp(failure->jump, 1);
}

// libjpeg only warns about a truncated file and fills the rest with grey.
static void note(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) fail(info);
}

static void refuse(j_common_ptr info, const char *text) {
  Failure *failure = (Failure *)info->err;
  snprintf(failure->message, 256, "%s", text);
  longjmp(failure->jump, 1);
}

// A progressive file of a few kilobytes can otherwise ask for hours of work.
static void limit_scans(j_common_ptr info) {
  if (!info->is_decompressor) return;
  const j_decompress_ptr picture = (j_decompress_ptr)info;
  if (picture->input_scan_number > MAXIMUM_SCANS) refuse(info, "more than 500 scans");
  const uint64_t pixels = (uint64_t)picture->image_width * picture->image_height;
  if (pixels * (uint64_t)picture->input_scan_number > ((Limits *)info->progress)->maximum_work) {
    refuse(info, "more scans than a picture of its size has");
  }
}

// Every block of 8 x 8 samples takes at least one bit; a file without them would be filled up with grey.
static void check_length(j_decompress_ptr info, size_t count) {
  uint64_t blocks = 0;
  for (int i = 0; i < info->num_components; i++) {
    blocks += (uint64_t)info->comp_info[i].width_in_blocks * info->comp_info[i].height_in_blocks;
  }
  if (blocks / 8 > count) refuse((j_common_ptr)info, "too short for the size that it declares");
}

static struct jpeg_error_mgr *catch(Failure *failure, char *message) {
  jpeg_std_error(&failure->manager);
  failure->manager.error_exit = fail;
  failure->manager.emit_message = note;
  failure->message = message;
  return &failure->manager;
}

int gradcam_jpeg_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  Failure failure;
  struct jpeg_decompress_struct info = {.err = catch(&failure, message)};
  if (setjmp(failure.jump)) {
    jpeg_destroy_decompress(&info);
    return -1;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, count);
  jpeg_read_header(&info, TRUE);
  *width = info.image_width;
  *height = info.image_height;
  jpeg_destroy_decompress(&info);
  return 0;
}

static uint8_t scaled(uint8_t value, uint8_t by) {
  unsigned product = value * by + 128u;
  return (uint8_t)(((product >> 8) + product) >> 8);
}

static void convert_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    uint8_t white = cmyk[3];
    for (int i = 0; i < 3; i++) rgb[i] = white - scaled(255 - cmyk[i], white);
  }
}

int gradcam_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                        uint64_t maximum_work, char *message) {
  Failure failure;
  Limits limits = {.manager = {.progress_monitor = limit_scans}, .maximum_work = maximum_work};
  struct jpeg_decompress_struct info = {.err = catch(&failure, message)};
  if (setjmp(failure.jump)) {
    jpeg_destroy_decompress(&info);
    return -1;
  }
  jpeg_create_decompress(&info);
  info.progress = &limits.manager;
  jpeg_mem_src(&info, bytes, count);
  jpeg_read_header(&info, TRUE);
  check_length(&info, count);
  int is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
  if (info.output_width != width || info.output_height != height) ERREXIT(&info, JERR_BAD_STATE);

  uint8_t *cmyk = NULL;
  if (is_cmyk) cmyk = info.mem->alloc_large((j_common_ptr)&info, JPOOL_IMAGE, 4 * (size_t)width);
  while (info.output_scanline < height) {
    uint8_t *row = rgb + info.output_scanline * 3 * (size_t)width;
    uint8_t *target = is_cmyk ? cmyk : row;
    jpeg_read_scanlines(&info, &target, 1);
    if (is_cmyk) convert_inverted_cmyk(cmyk, row, width);
  }
  jpeg_destroy_decompress(&info);
  return 0;
}

int gradcam_jpeg_encode(const uint8_t *rgb, uint32_t width, uint32_t height, int quality, uint8_t **bytes,
                        size_t *count, char *message) {
  Failure failure;
  unsigned long encoded_count = 0;
  struct jpeg_compress_struct info = {.err = catch(&failure, message)};
  *bytes = NULL;
  if (setjmp(failure.jump)) {
    // The buffer is handed over only when writing ends, and nothing else frees it.
    if (info.dest != NULL) info.dest->term_destination(&info);
    free(*bytes);
    jpeg_destroy_compress(&info);
    return -1;
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, bytes, &encoded_count);
  info.image_width = width;
  info.image_height = height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < height) {
    uint8_t *row = (uint8_t *)rgb + info.next_scanline * 3 * (size_t)width;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  *count = encoded_count;
  return 0;
}
