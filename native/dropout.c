/* Dropout with the bits of torch's CPU generator: MT19937 (Matsumoto and Nishimura, 1998), two words a number, of
   which the low 53 bits count, as at::bernoulli_distribution<double> draws. A block of 624 words is made at once, in
   loops that a compiler turns into vectors. */
#include "kernels.h"

#define SHIFT 397
#define LOW_53 ((UINT64_C(1) << 53) - 1)

INLINE uint32_t twisted(uint32_t upper, uint32_t lower) {
  uint32_t y = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return (y >> 1) ^ (-(lower & 1u) & 0x9908b0dfu);
}

INLINE void next_block(uint32_t *s) {
  for (int k = 0; k < TWISTER - SHIFT; k++) s[k] = s[k + SHIFT] ^ twisted(s[k], s[k + 1]);
  for (int k = TWISTER - SHIFT; k < 2 * (TWISTER - SHIFT); k++)
    s[k] = s[k + SHIFT - TWISTER] ^ twisted(s[k], s[k + 1]);
  for (int k = 2 * (TWISTER - SHIFT); k < TWISTER - 1; k++) s[k] = s[k + SHIFT - TWISTER] ^ twisted(s[k], s[k + 1]);
  s[TWISTER - 1] = s[SHIFT - 1] ^ twisted(s[TWISTER - 1], s[0]);
}

INLINE void temper(const uint32_t *s, uint32_t *words) {
  for (int k = 0; k < TWISTER; k++) {
    uint32_t y = s[k];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    words[k] = y ^ (y >> 18);
  }
}

INLINE uint64_t number(uint32_t high, uint32_t low) { return (((uint64_t)high << 32) | low) & LOW_53; }

/* Times zero, not zero: the sign of a zero and a NaN are then torch's, too. */
INLINE void drop(const float *x, float *y, uint8_t *kept, ptrdiff_t at, int keep, float scale) {
  kept[at] = (uint8_t)keep;
  y[at] = x[at] * (keep ? scale : 0.f);
}

WIDEST int dropout_forward(uint32_t *state, int used, const float *x, float *y, uint8_t *kept, ptrdiff_t count,
                           uint64_t threshold, float scale) {
  uint32_t words[TWISTER], high = 0;
  int odd = 0; /* whether `high` was the last word of its block */
  ptrdiff_t at = 0;
  temper(state, words);
  while (at < count) {
    if (used >= TWISTER) {
      next_block(state);
      temper(state, words);
      used = 0;
    }
    if (odd) {
      drop(x, y, kept, at++, number(high, words[used++]) < threshold, scale);
      odd = 0;
      continue;
    }
    ptrdiff_t pairs = (TWISTER - used) / 2 < count - at ? (TWISTER - used) / 2 : count - at;
    const uint32_t *pair = words + used;
    for (ptrdiff_t j = 0; j < pairs; j++) {
      int keep = number(pair[2 * j], pair[2 * j + 1]) < threshold;
      kept[at + j] = (uint8_t)keep;
      y[at + j] = x[at + j] * (keep ? scale : 0.f);
    }
    at += pairs;
    used += 2 * (int)pairs;
    if (at < count && used == TWISTER - 1) {
      high = words[used++];
      odd = 1;
    }
  }
  return used;
}

WIDEST void dropout_backward(const float *dy, const uint8_t *kept, float *dx, ptrdiff_t count, float scale) {
  for (ptrdiff_t at = 0; at < count; at++) dx[at] = dy[at] * (kept[at] ? scale : 0.f);
}
