// Convolution by Winograd's F(4×4, 3×3): 3 × 3 filters, stride 1, no dilation. Every 4 × 4 tile of the output takes a
// 6 × 6 tile of the input; in the transformed domain the convolution is 36 independent matrix products over channels.
// (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016.)
#ifndef CKERNELS_WINOGRAD_H
#define CKERNELS_WINOGRAD_H

#include <stdint.h>

enum { winograd_tile = 4, winograd_cells = 36 };

// The floats of scratch memory that a transform of one row of tiles needs.
int64_t winograd_scratch(int64_t tiles);

// Filters at weights[output × output_stride + input × input_stride], 9 floats each, in reverse order where `rotated`,
// transformed and packed for `multiply_panel`: one packed left matrix (outputs × inputs) a cell, `cell_stride` floats
// apart. For outputs [first, last), first a multiple of product_rows(). Weights may be misaligned.
void winograd_weights(
    const float *weights, int64_t outputs, int64_t inputs, int64_t output_stride, int64_t input_stride, int rotated,
    int64_t first, int64_t last, float *u, int64_t cell_stride);

// One channel, one row of tiles: v[cell × plane + tile].
void winograd_input(
    const float *x, int64_t height, int64_t width, int64_t pad_top, int64_t pad_left, int64_t tile_row, int64_t tiles,
    float *v, int64_t plane, float *scratch);

// The reverse for one output channel and row of tiles: y = clamp(… + bias, low, high), height × width.
void winograd_output(
    const float *m, int64_t plane, int64_t tiles, int64_t height, int64_t width, int64_t tile_row, float bias,
    float low, float high, float *y, float *scratch);

#endif
