/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * MD5 of several things at once. A step of MD5 waits for the one before it, so a
 * processor that computes one digest is idle for most of the time. Here it computes
 *
 *   - the digest of a file and that of a part of it, over the same words, in the time
 *     of one (chain), and
 *   - digests of up to LANES files, one in each element of a vector (digests).
 *
 * Optional: where this does not compile, core/md5.py does the same with hashlib.
 *
 * Source: RFC 1321
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Needs vectors as GCC and Clang have them, and the byte order of MD5."
#endif

enum { BLOCK = 64, DIGEST = 16, LANES = 8, FEW = 2 };
/* FEW: so many lanes are computed sooner one by one. */

typedef uint32_t vector __attribute__((vector_size(4 * LANES)));

static const uint32_t START[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static const uint32_t SINES[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
    0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
    0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
    0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
    0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
    0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
    0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
    0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
    0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

#define TURN(x, s) (((x) << (s)) | ((x) >> (32 - (s))))
#define F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
/* A sum, as no bit is in both: its two halves need not wait for each other. */
#define G(b, c, d) (((b) & (d)) + ((c) & ~(d)))
#define H(b, c, d) ((b) ^ (c) ^ (d))
#define I(b, c, d) ((c) ^ ((b) | ~(d)))

/* The 64 steps, four to a line; STEP is what one of them does. */
#define FOUR(f, i, s, t, u, v, k, l, m, n)                                            \
    STEP(f, a, b, c, d, k, i, s)                                                      \
    STEP(f, d, a, b, c, l, i + 1, t)                                                  \
    STEP(f, c, d, a, b, m, i + 2, u)                                                  \
    STEP(f, b, c, d, a, n, i + 3, v)
#define ALL_STEPS                                                                     \
    FOUR(F, 0, 7, 12, 17, 22, 0, 1, 2, 3)                                             \
    FOUR(F, 4, 7, 12, 17, 22, 4, 5, 6, 7)                                             \
    FOUR(F, 8, 7, 12, 17, 22, 8, 9, 10, 11)                                           \
    FOUR(F, 12, 7, 12, 17, 22, 12, 13, 14, 15)                                        \
    FOUR(G, 16, 5, 9, 14, 20, 1, 6, 11, 0)                                            \
    FOUR(G, 20, 5, 9, 14, 20, 5, 10, 15, 4)                                           \
    FOUR(G, 24, 5, 9, 14, 20, 9, 14, 3, 8)                                            \
    FOUR(G, 28, 5, 9, 14, 20, 13, 2, 7, 12)                                           \
    FOUR(H, 32, 4, 11, 16, 23, 5, 8, 11, 14)                                          \
    FOUR(H, 36, 4, 11, 16, 23, 1, 4, 7, 10)                                           \
    FOUR(H, 40, 4, 11, 16, 23, 13, 0, 3, 6)                                           \
    FOUR(H, 44, 4, 11, 16, 23, 9, 12, 15, 2)                                          \
    FOUR(I, 48, 6, 10, 15, 21, 0, 7, 14, 5)                                           \
    FOUR(I, 52, 6, 10, 15, 21, 12, 3, 10, 1)                                          \
    FOUR(I, 56, 6, 10, 15, 21, 8, 15, 6, 13)                                          \
    FOUR(I, 60, 6, 10, 15, 21, 4, 11, 2, 9)

/* A step of one chain, and of the chains in all lanes. */
#define STEP(f, a, b, c, d, k, i, s)                                                  \
    a += f(b, c, d) + (w[k] + SINES[i]);                                              \
    a = TURN(a, s) + b;

/* Whole blocks into one chain. */
static void
advance(uint32_t state[4], const uint8_t *data, size_t blocks)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (; blocks; blocks--, data += BLOCK) {
        uint32_t w[16], a0 = a, b0 = b, c0 = c, d0 = d;
        memcpy(w, data, BLOCK);
        ALL_STEPS
        a += a0, b += b0, c += c0, d += d0;
    }
    state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

/* As many blocks into every lane. state[i][l] is word i of lane l. */
static void
advance_lanes(uint32_t state[4][LANES], const uint8_t *const data[LANES], size_t blocks)
{
    vector a, b, c, d;
    memcpy(&a, state[0], sizeof a), memcpy(&b, state[1], sizeof b);
    memcpy(&c, state[2], sizeof c), memcpy(&d, state[3], sizeof d);
    for (size_t at = 0; at < blocks * BLOCK; at += BLOCK) {
        uint32_t turned[16][LANES];
        vector w[16], a0 = a, b0 = b, c0 = c, d0 = d;
        for (int lane = 0; lane < LANES; lane++) {
            uint32_t words[16];
            memcpy(words, data[lane] + at, BLOCK);
            for (int i = 0; i < 16; i++)
                turned[i][lane] = words[i];
        }
        memcpy(w, turned, sizeof w);
        ALL_STEPS
        a += a0, b += b0, c += c0, d += d0;
    }
    memcpy(state[0], &a, sizeof a), memcpy(state[1], &b, sizeof b);
    memcpy(state[2], &c, sizeof c), memcpy(state[3], &d, sizeof d);
}

#undef STEP

/* The same blocks into two chains: one waits while the other computes. */
static void
advance_both(uint32_t x[4], uint32_t y[4], const uint8_t *data, size_t blocks)
{
    uint32_t ax = x[0], bx = x[1], cx = x[2], dx = x[3];
    uint32_t ay = y[0], by = y[1], cy = y[2], dy = y[3];
    for (; blocks; blocks--, data += BLOCK) {
        uint32_t w[16], ax0 = ax, bx0 = bx, cx0 = cx, dx0 = dx;
        uint32_t ay0 = ay, by0 = by, cy0 = cy, dy0 = dy, word;
        memcpy(w, data, BLOCK);
#define STEP(f, a, b, c, d, k, i, s)                                                  \
    word = w[k] + SINES[i];                                                           \
    a##x += f(b##x, c##x, d##x) + word;                                               \
    a##y += f(b##y, c##y, d##y) + word;                                               \
    a##x = TURN(a##x, s) + b##x;                                                      \
    a##y = TURN(a##y, s) + b##y;
        ALL_STEPS
#undef STEP
        ax += ax0, bx += bx0, cx += cx0, dx += dx0;
        ay += ay0, by += by0, cy += cy0, dy += dy0;
    }
    x[0] = ax, x[1] = bx, x[2] = cx, x[3] = dx;
    y[0] = ay, y[1] = by, y[2] = cy, y[3] = dy;
}

/* The last bytes of a message, fewer than a block, and its padding. */
static void
finish(uint32_t state[4], const uint8_t *tail, uint64_t length)
{
    uint8_t last[2 * BLOCK] = {0};
    size_t rest = length % BLOCK, size = rest < 56 ? BLOCK : 2 * BLOCK;
    uint64_t bits = length * 8;
    if (rest)
        memcpy(last, tail, rest);
    last[rest] = 0x80;
    memcpy(last + size - 8, &bits, 8);
    advance(state, last, size / BLOCK);
}

/* One message on its way through a lane. */
typedef struct {
    const uint8_t *next;
    size_t blocks; /* still to come */
    Py_ssize_t which;
} Lane;

static void
hash_all(const Py_buffer *views, Py_ssize_t count, uint32_t (*states)[4])
{
    Lane lanes[LANES];
    int used = 0;
    Py_ssize_t waiting = 0;
    for (;;) {
        while (used < LANES && waiting < count) {
            const Py_buffer *view = &views[waiting];
            memcpy(states[waiting], START, sizeof START);
            lanes[used++] = (Lane){view->buf, (size_t)view->len / BLOCK, waiting++};
        }
        if (used <= FEW)
            break;
        uint32_t state[4][LANES];
        const uint8_t *data[LANES];
        size_t blocks = SIZE_MAX;
        for (int lane = 0; lane < LANES; lane++) {
            /* An idle lane repeats the first one; nobody reads what it computes. */
            const Lane *from = &lanes[lane < used ? lane : 0];
            for (int i = 0; i < 4; i++)
                state[i][lane] = states[from->which][i];
            data[lane] = from->next;
            if (from->blocks < blocks)
                blocks = from->blocks;
        }
        advance_lanes(state, data, blocks);
        int kept = 0;
        for (int lane = 0; lane < used; lane++) {
            Lane now = lanes[lane];
            for (int i = 0; i < 4; i++)
                states[now.which][i] = state[i][lane];
            now.next += blocks * BLOCK;
            now.blocks -= blocks;
            if (now.blocks)
                lanes[kept++] = now;
            else
                finish(states[now.which], now.next, (uint64_t)views[now.which].len);
        }
        used = kept;
    }
    for (int lane = 0; lane < used; lane++) {
        Lane now = lanes[lane];
        advance(states[now.which], now.next, now.blocks);
        now.next += now.blocks * BLOCK;
        finish(states[now.which], now.next, (uint64_t)views[now.which].len);
    }
}

static PyObject *
as_bytes(const uint32_t state[4])
{
    return PyBytes_FromStringAndSize((const char *)state, DIGEST);
}

static PyObject *
read_state(const char *text, Py_ssize_t size, uint32_t state[4])
{
    if (size != DIGEST) {
        PyErr_SetString(PyExc_ValueError, "A state is 16 bytes.");
        return NULL;
    }
    memcpy(state, text, DIGEST);
    return Py_None;
}

static PyObject *
md5_chain(PyObject *module, PyObject *args)
{
    const char *text;
    Py_ssize_t size;
    Py_buffer view;
    uint32_t file[4], part[4];
    if (!PyArg_ParseTuple(args, "y#y*", &text, &size, &view))
        return NULL;
    if (!read_state(text, size, file)) {
        PyBuffer_Release(&view);
        return NULL;
    }
    memcpy(part, START, sizeof START);
    size_t blocks = (size_t)view.len / BLOCK;
    Py_BEGIN_ALLOW_THREADS
    advance_both(file, part, view.buf, blocks);
    finish(part, (const uint8_t *)view.buf + blocks * BLOCK, (uint64_t)view.len);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&view);
    return Py_BuildValue("(NN)", as_bytes(file), as_bytes(part));
}

static PyObject *
md5_end(PyObject *module, PyObject *args)
{
    const char *text, *tail;
    Py_ssize_t size, rest;
    unsigned long long length;
    uint32_t state[4];
    if (!PyArg_ParseTuple(args, "y#y#K", &text, &size, &tail, &rest, &length))
        return NULL;
    if (!read_state(text, size, state))
        return NULL;
    if ((unsigned long long)rest != length % BLOCK) {
        PyErr_SetString(PyExc_ValueError, "The tail does not fit to the length.");
        return NULL;
    }
    finish(state, (const uint8_t *)tail, length);
    return as_bytes(state);
}

static PyObject *
md5_digests(PyObject *module, PyObject *pieces)
{
    PyObject *list = PySequence_Fast(pieces, "digests() takes a sequence."), *found = NULL;
    if (!list)
        return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list), open = 0;
    Py_buffer *views = PyMem_New(Py_buffer, count);
    uint32_t(*states)[4] = PyMem_Malloc(count * sizeof *states);
    if (!views || !states) {
        PyErr_NoMemory();
        goto done;
    }
    for (; open < count; open++) {
        PyObject *piece = PySequence_Fast_GET_ITEM(list, open);
        if (PyObject_GetBuffer(piece, &views[open], PyBUF_SIMPLE))
            goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    hash_all(views, count, states);
    Py_END_ALLOW_THREADS
    found = PyList_New(count);
    for (Py_ssize_t i = 0; found && i < count; i++) {
        PyObject *digest = as_bytes(states[i]);
        if (!digest)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, i, digest);
    }
done:
    while (open > 0)
        PyBuffer_Release(&views[--open]);
    PyMem_Free(states);
    PyMem_Free(views);
    Py_DECREF(list);
    return found;
}

static PyMethodDef METHODS[] = {
    {"chain", md5_chain, METH_VARARGS,
     "State after all whole blocks of the data, and the data's own digest."},
    {"end", md5_end, METH_VARARGS, "Digest of a message: state, tail, length."},
    {"digests", md5_digests, METH_O, "The digest of each buffer of a sequence."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot SLOTS[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_md5", "MD5 of several things at once.", 0, METHODS, SLOTS,
    NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__md5(void)
{
    return PyModuleDef_Init(&MODULE);
}
