/* Batch normalisation in training mode over rows of channels, with a ReLU before or behind it, in two passes each way.

   Every loop runs over a tile of whole rows, so that channels may be as few as one and vectors stay full. Sums are of
   differences to a pivot (the mean of the first rows), in float32 over four by four tiles and in float64 beyond:
   close to float64 whatever the mean. Each channel is added up in an order that no vector length changes. */
#include "kernels.h"
#include <math.h>
#include <string.h>

#define TILE 512
#define PIVOT_ROWS 64
#define FLUSH 4 /* groups of four tiles that a float32 sum holds */

static ptrdiff_t divisor(ptrdiff_t a, ptrdiff_t b) { return b ? divisor(b, a % b) : a; }

/* Numbers in a tile: a multiple of the channels, and of a vector where that fits. */
static ptrdiff_t tile(ptrdiff_t channels) {
  ptrdiff_t both = channels / divisor(channels, 16) * 16;
  ptrdiff_t unit = both <= TILE ? both : channels;
  return TILE / unit * unit;
}

static void spread(const float *from, float *to, ptrdiff_t channels, ptrdiff_t width) {
  for (ptrdiff_t at = 0; at < width; at += channels) memcpy(to + at, from, channels * sizeof(float));
}

static void gather(const double *from, double *to, ptrdiff_t channels, ptrdiff_t width) {
  memset(to, 0, channels * sizeof(double));
  for (ptrdiff_t at = 0; at < width; at++) to[at % channels] += from[at];
}

/* A NaN stays one, as in torch. */
INLINE float rectified(float value, int on) { return on && value < 0.f ? 0.f : value; }

static float moved(float from, double to, double by) { return (float)(by * to + (1 - by) * from); }

/* ---- forward ---- */

INLINE void sum_of(const float *x, const float *pivot, ptrdiff_t total, ptrdiff_t width, double *sums, double *squares,
                   int before) {
  float s[TILE], q[TILE];
  ptrdiff_t at = 0;
  memset(sums, 0, width * sizeof(double));
  memset(squares, 0, width * sizeof(double));
  while (at + 4 * width <= total) {
    memset(s, 0, width * sizeof(float));
    memset(q, 0, width * sizeof(float));
    for (int group = 0; group < FLUSH && at + 4 * width <= total; group++, at += 4 * width) {
      const float *r0 = x + at, *r1 = r0 + width, *r2 = r1 + width, *r3 = r2 + width;
      for (ptrdiff_t j = 0; j < width; j++) {
        float p = pivot[j];
        float a = rectified(r0[j], before) - p, b = rectified(r1[j], before) - p;
        float c = rectified(r2[j], before) - p, d = rectified(r3[j], before) - p;
        s[j] += (a + b) + (c + d);
        q[j] += (a * a + b * b) + (c * c + d * d);
      }
    }
    for (ptrdiff_t j = 0; j < width; j++) {
      sums[j] += s[j];
      squares[j] += q[j];
    }
  }
  while (at < total) {
    ptrdiff_t rest = total - at < width ? total - at : width;
    for (ptrdiff_t j = 0; j < rest; j++) {
      float a = rectified(x[at + j], before) - pivot[j];
      sums[j] += a;
      squares[j] += (double)a * a;
    }
    at += rest;
  }
}

INLINE void apply(const float *x, float *y, ptrdiff_t total, ptrdiff_t width, const float *mean, const float *scale,
                  const float *beta, int before, int behind) {
  for (ptrdiff_t at = 0; at < total; at += width) {
    const float *r = x + at;
    float *o = y + at;
    ptrdiff_t rest = total - at < width ? total - at : width;
    for (ptrdiff_t j = 0; j < rest; j++)
      o[j] = rectified((rectified(r[j], before) - mean[j]) * scale[j] + beta[j], behind);
  }
}

INLINE void forward(const float *x, float *y, struct maps size, struct channel_numbers of, double epsilon, int before,
                    int behind) {
  ptrdiff_t channels = size.channels, width = tile(channels), total = size.rows * channels;
  float one[MOST_CHANNELS], pivot[TILE], mean[TILE], scale[TILE], beta[TILE];
  double sums[TILE], squares[TILE], sum[MOST_CHANNELS], square[MOST_CHANNELS];
  ptrdiff_t first = size.rows < PIVOT_ROWS ? size.rows : PIVOT_ROWS;
  memset(sum, 0, channels * sizeof(double));
  for (ptrdiff_t row = 0; row < first; row++)
    for (ptrdiff_t c = 0; c < channels; c++) sum[c] += rectified(x[row * channels + c], before);
  for (ptrdiff_t c = 0; c < channels; c++) one[c] = (float)(sum[c] / first);
  spread(one, pivot, channels, width);
  sum_of(x, pivot, total, width, sums, squares, before);
  gather(sums, sum, channels, width);
  gather(squares, square, channels, width);
  for (ptrdiff_t c = 0; c < channels; c++) {
    double off = sum[c] / size.rows, variance = square[c] / size.rows - off * off;
    variance = variance < 0 ? 0 : variance;
    of.mean[c] = pivot[c] + off;
    of.scale[c] = 1 / sqrt(variance + epsilon);
    one[c] = (float)of.mean[c];
    if (of.running_mean) of.running_mean[c] = moved(of.running_mean[c], of.mean[c], of.momentum);
    if (of.running_variance)
      of.running_variance[c] = moved(of.running_variance[c], variance * size.rows / (size.rows - 1), of.momentum);
  }
  spread(one, mean, channels, width);
  for (ptrdiff_t c = 0; c < channels; c++) one[c] = (float)(of.gamma[c] * of.scale[c]);
  spread(one, scale, channels, width);
  spread(of.beta, beta, channels, width);
  apply(x, y, total, width, mean, scale, beta, before, behind);
}

WIDEST void batch_norm_forward(const float *x, float *y, struct maps size, struct channel_numbers of, double epsilon,
                               int rectify) {
  switch (rectify) {
    case NOT: forward(x, y, size, of, epsilon, 0, 0); break;
    case BEFORE: forward(x, y, size, of, epsilon, 1, 0); break;
    case BEHIND: forward(x, y, size, of, epsilon, 0, 1); break;
    default: forward(x, y, size, of, epsilon, 1, 1);
  }
}

/* ---- back ---- */

/* The gradient behind the normalisation: none where a ReLU behind it cut the value off. */
INLINE float arriving(float dy, float centred, float scale, float beta, int behind) {
  return behind && centred * scale + beta <= 0.f ? 0.f : dy;
}

INLINE void back_sums(const float *dy, const float *x, ptrdiff_t total, ptrdiff_t width, const float *mean,
                      const float *scale, const float *beta, double *sums, double *products, int before, int behind) {
  float s[TILE], q[TILE];
  ptrdiff_t at = 0;
  memset(sums, 0, width * sizeof(double));
  memset(products, 0, width * sizeof(double));
  while (at + 2 * width <= total) {
    memset(s, 0, width * sizeof(float));
    memset(q, 0, width * sizeof(float));
    for (int group = 0; group < 2 * FLUSH && at + 2 * width <= total; group++, at += 2 * width) {
      const float *r0 = x + at, *r1 = r0 + width, *d0 = dy + at, *d1 = d0 + width;
      for (ptrdiff_t j = 0; j < width; j++) {
        float m = mean[j], a = scale[j], k = beta[j];
        float v0 = rectified(r0[j], before) - m, v1 = rectified(r1[j], before) - m;
        float e0 = arriving(d0[j], v0, a, k, behind), e1 = arriving(d1[j], v1, a, k, behind);
        s[j] += e0 + e1;
        q[j] += e0 * v0 + e1 * v1;
      }
    }
    for (ptrdiff_t j = 0; j < width; j++) {
      sums[j] += s[j];
      products[j] += q[j];
    }
  }
  while (at < total) {
    ptrdiff_t rest = total - at < width ? total - at : width;
    for (ptrdiff_t j = 0; j < rest; j++) {
      float v = rectified(x[at + j], before) - mean[j], e = arriving(dy[at + j], v, scale[j], beta[j], behind);
      sums[j] += e;
      products[j] += (double)e * v;
    }
    at += rest;
  }
}

INLINE void back(const float *dy, const float *x, float *dx, struct maps size, struct channel_numbers of,
                 float *dgamma, float *dbeta, int before, int behind) {
  ptrdiff_t channels = size.channels, width = tile(channels), total = size.rows * channels;
  float one[MOST_CHANNELS], mean[TILE], scale[TILE], beta[TILE], level[TILE], slope[TILE];
  double sums[TILE], products[TILE], sum[MOST_CHANNELS], product[MOST_CHANNELS];
  for (ptrdiff_t c = 0; c < channels; c++) one[c] = (float)of.mean[c];
  spread(one, mean, channels, width);
  for (ptrdiff_t c = 0; c < channels; c++) one[c] = (float)(of.gamma[c] * of.scale[c]);
  spread(one, scale, channels, width);
  spread(of.beta, beta, channels, width);
  back_sums(dy, x, total, width, mean, scale, beta, sums, products, before, behind);
  gather(sums, sum, channels, width);
  gather(products, product, channels, width);
  for (ptrdiff_t c = 0; c < channels; c++) {
    dbeta[c] = (float)sum[c];
    dgamma[c] = (float)(product[c] * of.scale[c]);
    one[c] = (float)(sum[c] / size.rows);
  }
  spread(one, level, channels, width);
  for (ptrdiff_t c = 0; c < channels; c++)
    one[c] = (float)(product[c] / size.rows * of.scale[c] * of.scale[c]);
  spread(one, slope, channels, width);
  for (ptrdiff_t at = 0; at < total; at += width) {
    const float *r = x + at, *d = dy + at;
    float *o = dx + at;
    ptrdiff_t rest = total - at < width ? total - at : width;
    for (ptrdiff_t j = 0; j < rest; j++) {
      float v = rectified(r[j], before) - mean[j];
      float t = scale[j] * (arriving(d[j], v, scale[j], beta[j], behind) - level[j] - v * slope[j]);
      o[j] = before && r[j] <= 0.f ? 0.f : t;
    }
  }
}

WIDEST void batch_norm_backward(const float *dy, const float *x, float *dx, struct maps size,
                                struct channel_numbers of, float *dgamma, float *dbeta, int rectify) {
  switch (rectify) {
    case NOT: back(dy, x, dx, size, of, dgamma, dbeta, 0, 0); break;
    case BEFORE: back(dy, x, dx, size, of, dgamma, dbeta, 1, 0); break;
    case BEHIND: back(dy, x, dx, size, of, dgamma, dbeta, 0, 1); break;
    default: back(dy, x, dx, size, of, dgamma, dbeta, 1, 1);
  }
}
