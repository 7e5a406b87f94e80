// SHA-256, with the processor's own instructions where it has them.
#ifndef CDIGEST_H
#define CDIGEST_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/// Adds blocks of 64 bytes to the state of a digest.
void sha256_add(uint32_t state[8], const uint8_t *bytes, size_t block_count);

/// The same without the processor's own instructions, for tests.
void sha256_add_portably(uint32_t state[8], const uint8_t *bytes, size_t block_count);

#pragma GCC visibility pop

#endif
