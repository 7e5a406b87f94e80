// The SIMD loops of the operators and of pictures. Every function works on the range that its caller gives it and starts no threads.
// Pointers to weights may be misaligned if a function says so: they may lie in a mapped file.
//
// All are hidden: the version of a kernel that suits the processor is chosen while a shared library is loaded, possibly
// before functions that another library may replace are resolved.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "broadcast.h"
#include "channels.h"
#include "col2im.h"
#include "deformable.h"
#include "depthwise.h"
#include "elementwise.h"
#include "epilogue.h"
#include "interpolation.h"
#include "matrix_vector.h"
#include "movement.h"
#include "packed_product.h"
#include "pooling.h"
#include "quantization.h"
#include "reduction.h"
#include "resampling.h"
#include "rounding.h"
#include "winograd.h"

#endif
