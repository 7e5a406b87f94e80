#ifndef CGZIP_H
#define CGZIP_H

#include <stddef.h>
#include <stdint.h>

// Each function returns 0, or -1 if the data are damaged or memory is missing.

/// Decompresses the beginning of gzip data: at most `capacity` bytes, whose number becomes `*written`.
int gradcam_gunzip(const uint8_t *bytes, size_t count, uint8_t *result, size_t capacity, size_t *written);

/// Compresses bytes as gzip data; the caller frees `*result`.
int gradcam_gzip(const uint8_t *bytes, size_t count, uint8_t **result, size_t *written);

#endif
