// Square filters of 3, 5 or 7 taps a side with stride 1, also dilated, or 2, and of 2 with stride 2: planes are read in
// place.
#ifndef CKERNELS_DEPTHWISE_ROWS_H
#define CKERNELS_DEPTHWISE_ROWS_H

#include "chunk.h"
#include "depthwise.h"

#pragma GCC visibility push(hidden)

// Whether `depthwise_rows` computes a window, and the floats of scratch memory that it needs.
int depthwise_follows_rows(const struct sliding_window *window);
int64_t depthwise_rows_scratch(const struct sliding_window *window);

// The same as `depthwise`, for these windows.
void depthwise_rows(
    const float *x, const float *filters, const struct sliding_window *window,
    const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch);

// Where a chunk of a row of the result starts: the last one overlaps the one before.
static inline int64_t row_chunk_start(const struct sliding_window *w, int64_t index) {
  return larger(smaller(index * chunk, w->output[2] - chunk), 0);
}

#pragma GCC visibility pop

#endif
