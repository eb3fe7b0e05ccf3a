/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * CRC-64/NVME with the processor's carry-less multiplication: 128 bytes at a time are
 * moved past those that follow, and added to them.
 *
 * Optional: importing it fails where the processor cannot do that, and core/crc.py does
 * without.
 *
 * Source: Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel 2009; parameters at https://reveng.sourceforge.io/crc-catalogue/
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) || !defined(__x86_64__)
#error "Needs the carry-less multiplication of x86-64."
#endif

#include <immintrin.h>

#define POLYNOMIAL UINT64_C(0x9a6c9329ac4bc9b5)

/* x^(n+63) and x^(n-1) modulo the polynomial, bits reversed: what moves the earlier and
 * the later half of 16 bytes past n bits. */
#define PAST_128 UINT64_C(0x21e9761e252621ac), UINT64_C(0xeadc41fd2ba3d420)
#define PAST_1024 UINT64_C(0x5f852fb61e8d92dc), UINT64_C(0xa1ca681e733f9c40)

enum { WIDE = 8, STRIDE = 16 * WIDE };

static uint64_t TABLE[256];

static void
make_table(void)
{
    for (int byte = 0; byte < 256; byte++) {
        uint64_t rest = (uint64_t)byte;
        for (int bit = 0; bit < 8; bit++)
            rest = (rest >> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
        TABLE[byte] = rest;
    }
}

static uint64_t
by_bytes(uint64_t state, const uint8_t *data, size_t size)
{
    for (; size; size--)
        state = (state >> 8) ^ TABLE[(uint8_t)state ^ *data++];
    return state;
}

#define FAST __attribute__((target("pclmul,sse2")))

static inline FAST __m128i
load(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)data);
}

static inline FAST __m128i
moved(__m128i value, __m128i past)
{
    return _mm_xor_si128(_mm_clmulepi64_si128(value, past, 0x00),
                         _mm_clmulepi64_si128(value, past, 0x11));
}

static FAST uint64_t
by_strides(uint64_t state, const uint8_t *data, size_t size)
{
    if (size < STRIDE)
        return by_bytes(state, data, size);
    const __m128i past_128 = _mm_set_epi64x(PAST_128);
    const __m128i past_1024 = _mm_set_epi64x(PAST_1024);
    __m128i sums[WIDE];
    for (int i = 0; i < WIDE; i++)
        sums[i] = load(data + 16 * i);
    /* What came before is added to the first bytes that follow it. */
    sums[0] = _mm_xor_si128(sums[0], _mm_set_epi64x(0, (long long)state));
    data += STRIDE, size -= STRIDE;
    for (; size >= STRIDE; data += STRIDE, size -= STRIDE)
        for (int i = 0; i < WIDE; i++)
            sums[i] = _mm_xor_si128(moved(sums[i], past_1024), load(data + 16 * i));
    __m128i sum = sums[0];
    for (int i = 1; i < WIDE; i++)
        sum = _mm_xor_si128(moved(sum, past_128), sums[i]);
    for (; size >= 16; data += 16, size -= 16)
        sum = _mm_xor_si128(moved(sum, past_128), load(data));
    uint8_t last[16];
    memcpy(last, &sum, sizeof last);
    return by_bytes(by_bytes(0, last, sizeof last), data, size);
}

static PyObject *
crc64_update(PyObject *module, PyObject *args)
{
    unsigned long long crc;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "Ky*", &crc, &view))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    crc = ~by_strides(~(uint64_t)crc, view.buf, (size_t)view.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    return PyLong_FromUnsignedLongLong(crc);
}

static int
crc64_exec(PyObject *module)
{
    if (!__builtin_cpu_supports("pclmul")) {
        PyErr_SetString(PyExc_ImportError, "No carry-less multiplication here.");
        return -1;
    }
    make_table();
    return 0;
}

static PyMethodDef METHODS[] = {
    {"update", crc64_update, METH_VARARGS, "CRC of what has this one so far, and data."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot SLOTS[] = {
    {Py_mod_exec, crc64_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_crc64", "CRC-64/NVME of bytes.", 0, METHODS, SLOTS,
    NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__crc64(void)
{
    return PyModuleDef_Init(&MODULE);
}
