#ifndef CWEBP_H
#define CWEBP_H

#include <stddef.h>
#include <stdint.h>

// libwebp, loaded when the first of these functions is called. Each returns 0, or -1 with the reason in `message`, which
// has room for 256 characters; or 1 if the library cannot be loaded.

/// Reads width and height from the head of a WebP file held in memory.
int gradcam_webp_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);

/// Decodes a WebP file of one picture, or the bitstream in one, of the given size into 3 * width * height bytes of RGB.
/// Alpha is dropped.
int gradcam_webp_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                        char *message);

#endif
