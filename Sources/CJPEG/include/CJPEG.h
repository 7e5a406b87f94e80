#ifndef CJPEG_H
#define CJPEG_H

#include <stddef.h>
#include <stdint.h>

// Each function returns 0, or -1 with the reason in `message`, which has room for 256 characters. libjpeg's errors
// never leave them by longjmp.

/// Reads width and height, as stored, from the header of a JPEG file held in memory.
int gradcam_jpeg_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);

/// Decodes a JPEG file of the given size into 3 * width * height bytes of RGB. Files of four components are treated as
/// inverted CMYK, as in Pillow. A file with fewer bytes than a picture of its size must have, or with more than
/// `maximum_work` pixels in all of its scans together, is refused.
int gradcam_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                        uint64_t maximum_work, char *message);

/// Encodes RGB as a JPEG file of a quality of 1 to 100 with halved chroma; the caller frees `*bytes`.
int gradcam_jpeg_encode(const uint8_t *rgb, uint32_t width, uint32_t height, int quality, uint8_t **bytes,
                        size_t *count, char *message);

#endif
