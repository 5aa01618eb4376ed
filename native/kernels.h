/* What module.c hands to Python. Pointers are to dense memory that the caller owns. */
#ifndef GRADER_KERNELS_H
#define GRADER_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/* One binary for old and new processors: the loader takes the widest that there is. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDEST
#endif
#define INLINE static inline __attribute__((always_inline))

#define MOST_CHANNELS 512
#define TWISTER 624

enum rectify { NOT = 0, BEFORE = 1, BEHIND = 2 };

/* Rows of channels, (rows, channels) floats: a map in channels_last. */
struct maps {
  ptrdiff_t rows, channels;
};

/* One number a channel. mean and scale (one over the deviation) are written forward and read back; the running
   statistics may be NULL and move by `momentum`, the variance as of a sample. */
struct channel_numbers {
  const float *gamma, *beta;
  double *mean, *scale;
  float *running_mean, *running_variance;
  double momentum;
};

void batch_norm_forward(const float *x, float *y, struct maps size, struct channel_numbers of, double epsilon,
                        int rectify);
void batch_norm_backward(const float *dy, const float *x, float *dx, struct maps size, struct channel_numbers of,
                         float *dgamma, float *dbeta, int rectify);

/* y = x * (kept ? scale : 0), each number kept where torch's generator draws less than threshold / 2^53.
   state and used are the generator's words and how many of its block are drawn; returns the new `used`. */
int dropout_forward(uint32_t *state, int used, const float *x, float *y, uint8_t *kept, ptrdiff_t count,
                    uint64_t threshold, float scale);
void dropout_backward(const float *dy, const uint8_t *kept, float *dx, ptrdiff_t count, float scale);
#endif
