#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>
#include <stdint.h>

// Each function returns 0, or -1 with the reason in `message`, which has room for 256 characters. libpng's longjmp
// never leaves them.

/// Reads width and height from the header of a PNG file held in memory.
int gradcam_png_size(const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message);

/// Decodes a PNG file of the given size into 3 * width * height bytes of 8-bit RGB. Alpha is dropped; 16-bit samples
/// keep their high byte.
int gradcam_png_decode(const uint8_t *bytes, size_t count, uint8_t *rgb, uint32_t width, uint32_t height,
                       char *message);

/// Decodes a PNG file of 16-bit samples and the given size into 3 * width * height samples of RGB in the machine's order
/// of bytes. Alpha is dropped.
int gradcam_png_decode_deep(const uint8_t *bytes, size_t count, uint16_t *rgb, uint32_t width, uint32_t height,
                            char *message);

/// A text in a PNG file.
typedef struct {
  /// Printable ASCII, 1 to 79 characters.
  const char *keyword;
  /// UTF-8 if it is international, else Latin-1.
  const char *text;
  int is_international;
} GradCAMPNGText;

/// Calls `work(state, index)` once for every index below `count`, in any order and on any threads.
typedef void (*GradCAMPNGLoop)(void *runner, size_t count, void (*work)(void *state, size_t index), void *state);

/// Encodes 8-bit RGB as a PNG file with texts before the pixels; the caller frees `*bytes`.
///
/// `loop` gets `runner` and compresses parts of the picture, the same ones wherever it runs them.
int gradcam_png_encode(const uint8_t *rgb, uint32_t width, uint32_t height, const GradCAMPNGText *texts,
                       size_t text_count, GradCAMPNGLoop loop, void *runner, uint8_t **bytes, size_t *count,
                       char *message);

#endif
