// A mutator that libFuzzer calls for serialised ModelProto messages.
#ifndef MODEL_MUTATOR_H
#define MODEL_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

// Changes a model by its schema, in place; returns its new size, 0 if `data` is no model.
size_t mutate_model(uint8_t *data, size_t size, size_t capacity, unsigned seed);

// Writes `first` with a part of `second` to `out`; returns its size, 0 if one of them is no model or it does not fit.
size_t cross_models(
    const uint8_t *first, size_t first_size, const uint8_t *second, size_t second_size, uint8_t *out, size_t capacity,
    unsigned seed);

#endif
