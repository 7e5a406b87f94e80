// Products of a packed left matrix — weights, packed once — with columns that are laid out a panel at a time.
//
// The left matrix is packed as panels of `product_rows()` rows, each depth × rows, missing rows 0. A right panel holds
// `product_columns()` columns of a range of the depth, its rows `leading` apart; missing columns may hold anything.
#ifndef CKERNELS_PACKED_PRODUCT_H
#define CKERNELS_PACKED_PRODUCT_H

#include "window.h"

// The rows of a left panel and the columns of a right panel on this processor; at most the limits below.
int64_t product_rows(void);
int64_t product_columns(void);

enum { product_rows_limit = 16, product_columns_limit = 32 };

// Packs rows [first, last) of the left matrix, whose elements lie at matrix[row × row_stride + k × depth_stride]; first
// is a multiple of product_rows(). The matrix may be misaligned.
void pack_left(
    const float *matrix, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t depth, int64_t first,
    int64_t last, float *packed);

// Copies `columns` columns of rows [first, last) of a row-major matrix into a panel.
void pack_right(const float *matrix, int64_t leading, int64_t first, int64_t last, int64_t columns, float *panel);

// Lays out the windows of output positions [position, position + columns) as a panel, for rows [first, last) of
// channels × kernel cells; cells outside the image are 0.
void pack_windows(
    const float *x, const struct sliding_window *window, int64_t first, int64_t last, int64_t position,
    int64_t columns, float *panel);

// What happens to a tile of the result: added to what is there, or written; then a bias for each row (or NULL) and a
// clamp to [low, high], NaN kept.
struct tile_epilogue {
  int accumulate;
  const float *bias;
  float low;
  float high;
};

// c = left · panel for rows [first, last) and `columns` columns, over `depth` of the left matrix's `whole_depth` from
// the element that `packed` (advanced by the caller to the range's start in its first panel) points at. `first` is a
// multiple of product_rows(); row r of the result lies at c + r × c_leading, its bias at bias[r].
void multiply_panel(
    const float *packed, int64_t whole_depth, int64_t first, int64_t last, const float *panel, int64_t leading,
    int64_t depth, int64_t columns, float *c, int64_t c_leading, const struct tile_epilogue *epilogue);

#endif
