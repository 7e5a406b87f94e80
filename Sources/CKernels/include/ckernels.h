// The SIMD loops behind the operators. Every function works on the range that its caller gives it and starts no
// threads. Pointers to weights may be misaligned: they may lie in a mapped file.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "elementwise.h"
#include "interpolation.h"
#include "movement.h"

#endif
