#ifndef CGZIP_H
#define CGZIP_H

#include <stddef.h>
#include <stdint.h>

// Each function that returns an int returns -1 if the data are damaged or memory is missing.

/// Decompresses the beginning of gzip data: at most `capacity` bytes, whose number becomes `*written`. Returns 0.
int gradcam_gunzip(const uint8_t *bytes, size_t count, uint8_t *result, size_t capacity, size_t *written);

/// Compresses bytes as gzip data; the caller frees `*result`. Returns 0.
int gradcam_gzip(const uint8_t *bytes, size_t count, uint8_t **result, size_t *written);

/// Decompresses gzip data that come in pieces.
typedef struct gradcam_inflater gradcam_inflater;

/// NULL if memory is missing.
gradcam_inflater *gradcam_inflater_new(void);

void gradcam_inflater_free(gradcam_inflater *inflater);

/// Takes `*read` bytes of the next piece, of which `*written` are made, neither more than there is room for; both are 0
/// only if the piece is used up or there is no room. Returns 1 at the end of a gzip member, where another one may begin,
/// else 0.
int gradcam_inflate(gradcam_inflater *inflater, const uint8_t *bytes, size_t count, size_t *read, uint8_t *result,
                    size_t capacity, size_t *written);

#endif
