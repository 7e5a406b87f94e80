// Products of a left matrix, packed (weights, once) or read in place, with a right matrix whose rows are read in place
// or from a panel laid out before.
//
// A packed left matrix consists of panels of `product_rows()` rows, each depth × rows, with missing rows 0. Its depth
// is that of a convolution: channels × kernel cells, in blocks of channels, inside a block by cell, then by channel.
#ifndef CKERNELS_PACKED_PRODUCT_H
#define CKERNELS_PACKED_PRODUCT_H

#include "simd.h"
#include "window.h"

#pragma GCC visibility push(hidden)

// The rows of a left panel, the columns of a tile of the result and the columns of one vector on this processor.
int64_t product_rows(void);
int64_t product_columns(void);
int64_t product_lanes(void);
// The level of instructions that the processor has and kernels are compiled for: x86-64-v4, x86-64-v3, x86-64; or base.
const char *product_level_name(void);

enum { product_rows_limit = 8, product_columns_limit = 48 };

// Up to this many leftover columns are multiplied one by one, and no column beyond them is read.
enum { product_single_columns = 4 };

// The order of a left matrix's depth: `channels` in blocks of `block`, each channel with `cells`.
struct depth_order {
  int64_t channels, cells, block;
};

// Packs rows [first, last) of the left matrix, whose elements lie at
// matrix[row × row_stride + channel × channel_stride + cell]; first is a multiple of product_rows(). The matrix may be
// misaligned.
void pack_left(
    const float *matrix, int64_t row_stride, int64_t channel_stride, const struct depth_order *order, int64_t rows,
    int64_t first, int64_t last, float *packed);

// Copies `columns` columns of `depth` rows of a row-major matrix into a panel whose rows lie `panel_leading` apart.
void pack_right(
    const float *matrix, int64_t leading, int64_t depth, int64_t columns, float *panel, int64_t panel_leading);

// Lays out the windows of output positions [position, position + columns) for channels [first, last) as rows of
// product_columns() floats, by kernel cell, then by channel; cells outside the image are 0.
// x is an image with `channels` channels.
void pack_windows(
    const float *x, const struct sliding_window *window, int64_t channels, int64_t first, int64_t last,
    int64_t position, int64_t columns, float *panel);

// What happens to a tile of the result: added to what is there, or written; then a bias for each row (or NULL), another
// matrix whose rows lie residual_leading apart (or NULL; 0 adds one row to all), and a clamp to [low, high], NaN kept.
struct tile_epilogue {
  int accumulate;
  const float *bias;
  const float *residual;
  int64_t residual_leading;
  float low;
  float high;
};

// A left matrix from some depth on. Packed: `start` points into its first panel and `stride` is its whole depth. Else
// its rows lie `stride` apart, at any address.
struct left_matrix {
  const unaligned_float *start;
  int64_t stride;
  int packed;
};

// c = left · right for rows [first, last) and `columns` columns, at most product_columns(), over `depth` from the depth
// at which the left matrix starts. Of each right row, enough columns are read to fill whole vectors, unless the left
// matrix is packed and there are at most product_single_columns; product_columns() are read if it is not packed and the
// number of rows is not a multiple of product_rows(). `first` is a multiple of product_rows(); row r of the result and
// of the bias lies at r × c_leading and r.
void multiply_panel(
    struct left_matrix left, int64_t first, int64_t last, const float *right, int64_t leading, int64_t depth,
    int64_t columns, float *c, int64_t c_leading, const struct tile_epilogue *epilogue);

#pragma GCC visibility pop

#endif
