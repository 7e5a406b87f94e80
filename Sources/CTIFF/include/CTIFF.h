#ifndef CTIFF_H
#define CTIFF_H

#include <stddef.h>
#include <stdint.h>

// libtiff, loaded when the first of these functions is called. Each returns 0, or -1 with the reason in `message`, which
// has room for 256 characters; or 1 if the library cannot be loaded; or 2 if
// there is no such page.

/// What a page of a TIFF file holds.
typedef struct {
  uint32_t width, height;
  /// Bits of a sample, and samples of a pixel.
  uint16_t bits, samples;
  /// TIFF's SampleFormat: 1 unsigned, 2 signed, 3 floating point.
  uint16_t format;
  /// TIFF's PhotometricInterpretation: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK; JPEG's colours count as
  /// RGB.
  uint16_t photometric;
  /// TIFF's Orientation, 1 to 8.
  uint16_t orientation;
  /// Whether the page is read as RGB of 8 bits, since its samples are colours of another kind, such as CIE's; `bits`,
  /// `samples`, `format` and `photometric` are then those of RGB.
  uint16_t is_converted;
} GradCAMTIFFPage;

/// Reads what a page of a file held in memory holds.
///
/// No memory block of the library gets larger than `allocation` bytes.
int gradcam_tiff_describe(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation, GradCAMTIFFPage *result,
                          char *message);

/// Reads a page's samples, pixel by pixel from the upper left as stored: a byte each for up to 8 bits, else as many bytes
/// as they have, in the machine's order. The page must be as described and `samples` have room for all.
int gradcam_tiff_read(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation,
                      const GradCAMTIFFPage *described, uint8_t *samples, char *message);

/// Reads the palette of a page of at most 8 bits: for each of its 2^bits numbers red, green and blue of 16 bits.
int gradcam_tiff_palette(const uint8_t *bytes, size_t count, uint32_t page, size_t allocation, uint16_t *colors,
                         char *message);

#endif
