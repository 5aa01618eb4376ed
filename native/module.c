/* grader_native: two kernels of a training step. Arguments are addresses and counts; the caller answers for both. */
#include <Python.h>
#include "kernels.h"
#include <math.h>

/* Of the arguments below: another one is not called. */
#define VERSION 1
#define AT(type, address) ((type *)(uintptr_t)(address))

/* How torch keeps its generator (at::CPUGeneratorImplState): how many words of the block are left, plus one; the
   number of the next; and the block, a word in 64 bits. */
#define LEFT 8
#define NEXT 16
#define WORDS 24
#define STATE_BYTES 5056

static int refuse(const char *why) {
  PyErr_SetString(PyExc_ValueError, why);
  return 0;
}

static int sound(Py_ssize_t rows, Py_ssize_t channels) {
  return (rows > 1 && channels > 0 && channels <= MOST_CHANNELS) || refuse("rows of 1 to 512 channels are expected");
}

static PyObject *py_batch_norm(PyObject *self, PyObject *args) {
  unsigned long long x, y, gamma, beta, mean, scale, running_mean, running_variance;
  Py_ssize_t rows, channels;
  double momentum, epsilon;
  int rectify;
  (void)self;
  if (!PyArg_ParseTuple(args, "KKnnKKKKKKddi", &x, &y, &rows, &channels, &gamma, &beta, &mean, &scale, &running_mean,
                        &running_variance, &momentum, &epsilon, &rectify) ||
      !sound(rows, channels))
    return NULL;
  struct maps size = {rows, channels};
  struct channel_numbers of = {AT(const float, gamma), AT(const float, beta),     AT(double, mean),
                               AT(double, scale),      AT(float, running_mean), AT(float, running_variance),
                               momentum};
  Py_BEGIN_ALLOW_THREADS;
  batch_norm_forward(AT(const float, x), AT(float, y), size, of, epsilon, rectify);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

static PyObject *py_batch_norm_back(PyObject *self, PyObject *args) {
  unsigned long long dy, x, dx, gamma, beta, mean, scale, dgamma, dbeta;
  Py_ssize_t rows, channels;
  int rectify;
  (void)self;
  if (!PyArg_ParseTuple(args, "KKKnnKKKKKKi", &dy, &x, &dx, &rows, &channels, &gamma, &beta, &mean, &scale, &dgamma,
                        &dbeta, &rectify) ||
      !sound(rows, channels))
    return NULL;
  struct maps size = {rows, channels};
  struct channel_numbers of = {
      AT(const float, gamma), AT(const float, beta), AT(double, mean), AT(double, scale), NULL, NULL, 0};
  Py_BEGIN_ALLOW_THREADS;
  batch_norm_backward(AT(const float, dy), AT(const float, x), AT(float, dx), size, of, AT(float, dgamma),
                      AT(float, dbeta), rectify);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

/* `generator` is a copy of the state of torch's generator; it is moved on by what is drawn. */
static PyObject *py_dropout(PyObject *self, PyObject *args) {
  unsigned long long generator, x, y, kept;
  Py_ssize_t bytes, count;
  double keep;
  uint32_t words[TWISTER];
  (void)self;
  if (!PyArg_ParseTuple(args, "KnKKKnd", &generator, &bytes, &x, &y, &kept, &count, &keep)) return NULL;
  if (bytes != STATE_BYTES || count < 0 || !(keep > 0 && keep < 1)) {
    refuse("the state of a generator and a probability between 0 and 1 are expected");
    return NULL;
  }
  char *state = AT(char, generator);
  int32_t *left = (int32_t *)(state + LEFT);
  uint64_t *next = (uint64_t *)(state + NEXT), *theirs = (uint64_t *)(state + WORDS);
  int used = *left == 1 ? TWISTER : (int)*next;
  if (used < 0 || used > TWISTER || (*left != 1 && *left + used != TWISTER + 1)) {
    refuse("the generator counts in another way");
    return NULL;
  }
  Py_BEGIN_ALLOW_THREADS;
  for (int at = 0; at < TWISTER; at++) words[at] = (uint32_t)theirs[at];
  used = dropout_forward(words, used, AT(const float, x), AT(float, y), AT(uint8_t, kept), count,
                         (uint64_t)ceil(ldexp(keep, 53)), 1.f / (float)keep);
  for (int at = 0; at < TWISTER; at++) theirs[at] = words[at];
  Py_END_ALLOW_THREADS;
  if (count) {
    *next = (uint64_t)used;
    *left = TWISTER + 1 - used;
  }
  Py_RETURN_NONE;
}

static PyObject *py_dropout_back(PyObject *self, PyObject *args) {
  unsigned long long dy, kept, dx;
  Py_ssize_t count;
  double keep;
  (void)self;
  if (!PyArg_ParseTuple(args, "KKKnd", &dy, &kept, &dx, &count, &keep)) return NULL;
  Py_BEGIN_ALLOW_THREADS;
  dropout_backward(AT(const float, dy), AT(const uint8_t, kept), AT(float, dx), count, 1.f / (float)keep);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"batch_norm", py_batch_norm, METH_VARARGS,
     "batch_norm(x, y, rows, channels, gamma, beta, mean, scale, running_mean, running_variance, momentum, epsilon, "
     "rectify)"},
    {"batch_norm_back", py_batch_norm_back, METH_VARARGS,
     "batch_norm_back(dy, x, dx, rows, channels, gamma, beta, mean, scale, dgamma, dbeta, rectify)"},
    {"dropout", py_dropout, METH_VARARGS, "dropout(generator, bytes, x, y, kept, count, keep)"},
    {"dropout_back", py_dropout_back, METH_VARARGS, "dropout_back(dy, kept, dx, count, keep)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "grader_native", "Two kernels of grader's training engine.", 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_grader_native(void) {
  PyObject *module = PyModule_Create(&definition);
  if (module != NULL && PyModule_AddIntConstant(module, "VERSION", VERSION) < 0) {
    Py_DECREF(module);
    return NULL;
  }
  return module;
}
