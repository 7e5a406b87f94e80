#include "CWebP.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

// As in libwebp's decode.h, whose interface has not changed since version 0.2.
static int (*get_info)(const uint8_t *data, size_t size, int *width, int *height);
static uint8_t *(*decode_rgb)(const uint8_t *data, size_t size, uint8_t *output, size_t output_size, int stride);

static void load(void) {
  void *library = dlopen("libwebp.so.7", RTLD_NOW | RTLD_LOCAL);
  if (!library) return;
  *(void **)&get_info = dlsym(library, "WebPGetInfo");
  *(void **)&decode_rgb = dlsym(library, "WebPDecodeRGBInto");
}

static int is_loaded(char *message) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (get_info && decode_rgb) return 1;
  snprintf(message, 256, "libwebp.so.7 is not found");
  return 0;
}

int gradcam_webp_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  if (!is_loaded(message)) return 1;
  int sides[2];
  if (get_info(bytes, count, &sides[0], &sides[1])) {
    *width = (uint32_t)sides[0];
    *height = (uint32_t)sides[1];
    return 0;
  }
  snprintf(message, 256, "no head of one");
  return -1;
}

int gradcam_webp_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                        char *message) {
  uint32_t found[2];
  const int status = gradcam_webp_size(bytes, count, &found[0], &found[1], message);
  if (status) return status;
  const size_t row = 3 * (size_t)width;
  if (found[0] != width || found[1] != height || !decode_rgb(bytes, count, rgb, row * height, (int)row)) {
    snprintf(message, 256, found[0] == width && found[1] == height ? "its bitstream is wrong or ends too early"
                                                                   : "the size differs from what was asked for");
    return -1;
  }
  return 0;
}
