// Convolution by Winograd's F(4×4, 3×3) and F(2×2, 3×3): 3 × 3 filters, stride 1, no dilation. Every tile of the output,
// 4 × 4 or 2 × 2, takes a tile of the input that is larger by 2; in the transformed domain the convolution is one matrix
// product over channels for each cell of such a tile. (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
// 2016.) The points of interpolation are 0, ±3/4, ±3/2 and infinity, with which the rounding error is half of that with
// 0, ±1, ±2; for tiles of 2 they are 0, ±1 and infinity.
//
// Tiles are processed by rows. A row of tiles takes `slots` places: one per tile, and an empty one if the last tile
// would otherwise see the start of the next row.
#ifndef CKERNELS_WINOGRAD_H
#define CKERNELS_WINOGRAD_H

#include <stdint.h>

#include "packed_product.h"

#pragma GCC visibility push(hidden)

// The cells of a transformed tile, for tiles of the output that are `tile` wide: 4 or 2.
static inline int64_t winograd_cells(int64_t tile) { return (tile + 2) * (tile + 2); }

// The plane that tiles are cut from or put into: its extents, where its first element lies in the first tile, the tiles
// of a row and the width of a tile of the output.
struct winograd_plane {
  int64_t height, width, pad_top, pad_left, tiles, slots, tile;
};

// The places of a row of tiles for an input plane.
int64_t winograd_slots(int64_t width, int64_t pad_left, int64_t tiles, int64_t tile);

// The floats of scratch memory that the transforms of `rows` rows of tiles need.
int64_t winograd_scratch(int64_t rows, int64_t slots, int64_t tile);

// Filters at weights[output × output_stride + input × input_stride], 9 floats each, in reverse order if `rotated`,
// transformed and packed for `multiply_panel`: one packed left matrix (outputs × inputs) per cell, `cell_stride` floats
// apart. For outputs [first, last), first a multiple of product_rows(). Weights may be misaligned.
void winograd_weights(
    int64_t tile, const float *weights, int64_t outputs, int64_t inputs, int64_t output_stride, int64_t input_stride,
    int rotated, int64_t first, int64_t last, float *u, int64_t cell_stride);

// One channel, `rows` rows of tiles from `first` on: v[cell × cell_stride + place], up to a multiple of 16 places.
// Nothing is read from `end` on.
void winograd_input(
    const float *x, const float *end, const struct winograd_plane *plane, int64_t first, int64_t rows, float *v,
    int64_t cell_stride, float *scratch);

// The inverse for one output channel: y = clamp(… + bias + residual, low, high). The bias and the residual plane are
// those of the channel, or NULL.
void winograd_output(
    const float *m, int64_t cell_stride, const struct winograd_plane *plane, int64_t first, int64_t rows,
    const struct tile_epilogue *epilogue, float *y, float *scratch);

#pragma GCC visibility pop

#endif
