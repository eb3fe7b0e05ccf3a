/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * Several digests at once. A step of MD5 or SHA-256 waits for the one before it, so a
 * processor that computes one digest is idle for most of the time. Here it computes
 *
 *   - over the same words the MD5 of a file and that of a part of it, and the SHA-256
 *     of the file where it has instructions for that, in little more than the time of
 *     one MD5 (chain), and
 *   - those of some files, each in a lane of its own (md5_digests, md5_read,
 *     sha256_digests).
 *
 * Optional: where this does not compile, core/fast_digests.py does with hashlib.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <unistd.h>

enum { BLOCK = 64, MOST_WORDS = 8, MOST_LANES = 16 };

typedef void (*Lanes)(uint32_t *const *states, const uint8_t *const *data, size_t blocks);

#include "_md5.h"

#if defined(__x86_64__)
#define HAS_SHA256
#include "_sha256.h"
#endif

typedef struct {
    int words;
    int few;         /* so many messages are computed sooner one by one */
    int lanes, wide; /* messages side by side; more of them where there are as many */
    const uint32_t *start;
    void (*advance)(uint32_t *state, const uint8_t *data, size_t blocks);
    Lanes advance_lanes, advance_wide;
    int big_endian;
    void (*write)(uint32_t *state);
} Kind;

static Kind MD5 = {.words = 4,
                   .few = 2,
                   .lanes = 8,
                   .wide = 8,
                   .start = MD5_START,
                   .advance = md5_one,
                   .advance_lanes = md5_eight};

#ifdef HAS_SHA256
static int sha256_is_here; /* asking the processor takes a virtual machine long */
static const Kind SHA256 = {.words = 8,
                            .few = 1,
                            .lanes = SHA256_LANES,
                            .wide = SHA256_LANES,
                            .start = SHA256_START,
                            .advance = sha256_one,
                            .advance_lanes = sha256_lanes,
                            .big_endian = 1,
                            .write = sha256_write};
#endif

/* The last bytes of a message, fewer than a block, and its padding. The state is the
 * digest then. */
static void
finish(const Kind *kind, uint32_t *state, const uint8_t *tail, uint64_t length)
{
    uint8_t last[2 * BLOCK] = {0};
    size_t rest = length % BLOCK, size = rest < 56 ? BLOCK : 2 * BLOCK;
    uint64_t bits = kind->big_endian ? __builtin_bswap64(length * 8) : length * 8;
    if (rest)
        memcpy(last, tail, rest);
    last[rest] = 0x80;
    memcpy(last + size - 8, &bits, 8);
    kind->advance(state, last, size / BLOCK);
    if (kind->write)
        kind->write(state);
}

/* Two chains of MD5 over the same blocks: one waits while the other computes. */
#define STEP(f, a, b, c, d, k, i, s)                                                  \
    word = w[k] + SINES[i];                                                           \
    a##x += f(b##x, c##x, d##x) + word;                                               \
    a##y += f(b##y, c##y, d##y) + word;                                               \
    a##x = TURN(a##x, s) + b##x;                                                      \
    a##y = TURN(a##y, s) + b##y;
#define LOAD_BOTH                                                                     \
    uint32_t ax = x[0], bx = x[1], cx = x[2], dx = x[3];                              \
    uint32_t ay = y[0], by = y[1], cy = y[2], dy = y[3];
#define BLOCK_OF_BOTH                                                                 \
    uint32_t w[16], ax0 = ax, bx0 = bx, cx0 = cx, dx0 = dx;                           \
    uint32_t ay0 = ay, by0 = by, cy0 = cy, dy0 = dy, word;                            \
    memcpy(w, data, BLOCK);                                                           \
    ALL_STEPS                                                                         \
    ax += ax0, bx += bx0, cx += cx0, dx += dx0;                                       \
    ay += ay0, by += by0, cy += cy0, dy += dy0;
#define STORE_BOTH                                                                    \
    x[0] = ax, x[1] = bx, x[2] = cx, x[3] = dx;                                       \
    y[0] = ay, y[1] = by, y[2] = cy, y[3] = dy;

static void
advance_both(uint32_t x[4], uint32_t y[4], const uint8_t *data, size_t blocks)
{
    LOAD_BOTH
    for (; blocks; blocks--, data += BLOCK) {
        BLOCK_OF_BOTH
    }
    STORE_BOTH
}

#ifdef HAS_SHA256

/* SHA-256 has instructions of its own: it fills what two chains leave idle. */
#undef BESIDE
#define BESIDE(quarter) sha256_four(&sha, quarter);

static WITH_SHA void
advance_all(uint32_t x[4], uint32_t y[4], uint32_t z[8], const uint8_t *data, size_t blocks)
{
    LOAD_BOTH
    Sha256 sha = sha256_load(z);
    for (; blocks; blocks--, data += BLOCK) {
        const Sha256 before = sha;
        sha256_read(&sha, data);
        BLOCK_OF_BOTH
        sha256_add(&sha, &before);
    }
    STORE_BOTH
    sha256_store(z, sha);
}

#endif

/* One message on its way through a lane. */
typedef struct {
    const uint8_t *next;
    size_t blocks; /* still to come */
    Py_ssize_t which;
} Lane;

/* Whole messages, or whole blocks of messages that have begun (as their states say). */
static void
hash_all(const Kind *kind, const Py_buffer *views, Py_ssize_t count, uint32_t *states,
         int whole)
{
#define STATE_OF(lane) (states + (lane).which * kind->words)
    Lane lanes[MOST_LANES];
    int used = 0;
    Py_ssize_t waiting = 0;
    for (;;) {
        while (used < kind->wide && waiting < count) {
            const Py_buffer *view = &views[waiting];
            lanes[used++] = (Lane){view->buf, (size_t)view->len / BLOCK, waiting++};
        }
        if (used <= kind->few)
            break;
        uint32_t *lane_states[MOST_LANES], idle[MOST_WORDS] = {0};
        const uint8_t *data[MOST_LANES];
        size_t blocks = SIZE_MAX;
        int is_wide = used > kind->lanes, all = is_wide ? kind->wide : kind->lanes;
        for (int i = 0; i < all; i++) {
            /* An idle lane reads what the first one does; nobody asks for its result. */
            const Lane *from = &lanes[i < used ? i : 0];
            lane_states[i] = i < used ? STATE_OF(*from) : idle;
            data[i] = from->next;
            if (from->blocks < blocks)
                blocks = from->blocks;
        }
        (is_wide ? kind->advance_wide : kind->advance_lanes)(lane_states, data, blocks);
        int kept = 0;
        for (int i = 0; i < used; i++) {
            Lane now = lanes[i];
            now.next += blocks * BLOCK;
            now.blocks -= blocks;
            if (now.blocks)
                lanes[kept++] = now;
            else if (whole)
                finish(kind, STATE_OF(now), now.next, (uint64_t)views[now.which].len);
        }
        used = kept;
    }
    for (int i = 0; i < used; i++) {
        Lane now = lanes[i];
        kind->advance(STATE_OF(now), now.next, now.blocks);
        now.next += now.blocks * BLOCK;
        if (whole)
            finish(kind, STATE_OF(now), now.next, (uint64_t)views[now.which].len);
    }
#undef STATE_OF
}

static PyObject *
as_bytes(const Kind *kind, const uint32_t *state)
{
    return PyBytes_FromStringAndSize((const char *)state, 4 * kind->words);
}

/* The kind of digest whose state has so many bytes; NULL and an error when none has. */
static const Kind *
kind_of(Py_ssize_t size)
{
    if (size == sizeof MD5_START)
        return &MD5;
#ifdef HAS_SHA256
    if (size == sizeof SHA256_START && sha256_is_here)
        return &SHA256;
#endif
    PyErr_SetString(PyExc_ValueError, "No digest has a state of this size here.");
    return NULL;
}

/* Copies the state of a kind; 0 and an error when it is none. */
static int
read_state(const Kind *kind, const char *text, Py_ssize_t size, uint32_t *state)
{
    if (kind_of(size) != kind) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "This is the state of another digest.");
        return 0;
    }
    memcpy(state, text, (size_t)size);
    return 1;
}

static PyObject *
fast_chain(PyObject *module, PyObject *args)
{
    const char *md5, *sha256;
    Py_ssize_t md5_size, sha256_size;
    Py_buffer view;
    uint32_t file[4], part[4];
    if (!PyArg_ParseTuple(args, "y#z#y*", &md5, &md5_size, &sha256, &sha256_size, &view))
        return NULL;
    PyObject *found = NULL;
    uint32_t whole[MOST_WORDS];
    const uint8_t *data = view.buf;
    size_t blocks = (size_t)view.len / BLOCK;
    memcpy(part, MD5_START, sizeof part);
    if (!read_state(&MD5, md5, md5_size, file))
        goto done;
#ifdef HAS_SHA256
    if (sha256 && !read_state(&SHA256, sha256, sha256_size, whole))
        goto done;
#else
    if (sha256 && !kind_of(sha256_size))
        goto done;
#endif
    Py_BEGIN_ALLOW_THREADS
#ifdef HAS_SHA256
    if (sha256)
        advance_all(file, part, whole, data, blocks);
    else
#endif
        advance_both(file, part, data, blocks);
    finish(&MD5, part, data + blocks * BLOCK, (uint64_t)view.len);
    Py_END_ALLOW_THREADS
    found = Py_BuildValue("(y#y#y#)", file, (Py_ssize_t)sizeof file,
                          sha256 ? whole : NULL, sha256_size, part,
                          (Py_ssize_t)sizeof part);
done:
    PyBuffer_Release(&view);
    return found;
}

static PyObject *
fast_end(PyObject *module, PyObject *args)
{
    const char *text, *tail;
    Py_ssize_t size, rest;
    unsigned long long length;
    uint32_t state[MOST_WORDS];
    if (!PyArg_ParseTuple(args, "y#y#K", &text, &size, &tail, &rest, &length))
        return NULL;
    const Kind *kind = kind_of(size);
    if (!kind)
        return NULL;
    if ((unsigned long long)rest != length % BLOCK) {
        PyErr_SetString(PyExc_ValueError, "The tail does not fit to the length.");
        return NULL;
    }
    memcpy(state, text, (size_t)size);
    finish(kind, state, (const uint8_t *)tail, length);
    return as_bytes(kind, state);
}

/* Digests of pieces. */
static PyObject *
hash_pieces(const Kind *kind, PyObject *pieces)
{
    PyObject *list = PySequence_Fast(pieces, "Digests are of a sequence."), *found = NULL;
    Py_ssize_t count = list ? PySequence_Fast_GET_SIZE(list) : 0, open = 0;
    Py_buffer *views = PyMem_New(Py_buffer, count);
    uint32_t *states = PyMem_New(uint32_t, count * kind->words);
    if (!list)
        goto done;
    if (!views || !states) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        memcpy(states + i * kind->words, kind->start, 4 * (size_t)kind->words);
    for (; open < count; open++) {
        PyObject *piece = PySequence_Fast_GET_ITEM(list, open);
        if (PyObject_GetBuffer(piece, &views[open], PyBUF_SIMPLE))
            goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    hash_all(kind, views, count, states, 1);
    Py_END_ALLOW_THREADS
    found = PyList_New(count);
    for (Py_ssize_t i = 0; found && i < count; i++) {
        PyObject *digest = as_bytes(kind, states + i * kind->words);
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
    Py_XDECREF(list);
    return found;
}

static PyObject *
fast_md5_digests(PyObject *module, PyObject *pieces)
{
    return hash_pieces(&MD5, pieces);
}

/* Bytes of a file that are read and hashed while the processor's cache still has them. */
enum { SLICE = 64 * 1024 };

typedef struct {
    int descriptor;
    long long offset, missing;
    long long done; /* bytes read, or minus the number of an error */
    uint8_t tail[BLOCK];
    int rest; /* bytes of the tail */
} Place;

/* As much as fits, fewer bytes at the end of the file. */
static Py_ssize_t
read_slice(Place *place, uint8_t *buffer)
{
    Py_ssize_t wanted = place->missing < SLICE ? (Py_ssize_t)place->missing : SLICE;
    Py_ssize_t filled = 0;
    while (filled < wanted) {
        ssize_t count = pread(place->descriptor, buffer + filled, (size_t)(wanted - filled),
                              (off_t)(place->offset + place->done + filled));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (!count)
            break;
        filled += count;
    }
    place->missing = filled < wanted ? 0 : place->missing - filled;
    return filled;
}

/* All places from their offsets on, side by side. */
static void
read_all(Place *places, Py_ssize_t count, uint8_t *buffers, uint32_t *states,
         uint32_t *some, Py_buffer *views, Py_ssize_t *which)
{
    for (;;) {
        Py_ssize_t open = 0;
        for (Py_ssize_t i = 0; i < count; i++) {
            Place *place = &places[i];
            if (!place->missing)
                continue;
            uint8_t *buffer = buffers + open * SLICE;
            Py_ssize_t filled = read_slice(place, buffer);
            if (filled < 0) {
                place->done = filled;
                place->missing = 0;
                continue;
            }
            place->done += filled;
            place->rest = (int)(filled % BLOCK);
            memcpy(place->tail, buffer + filled - place->rest, (size_t)place->rest);
            views[open].buf = buffer;
            views[open].len = filled;
            memcpy(some + open * MD5.words, states + i * MD5.words, sizeof MD5_START);
            which[open++] = i;
        }
        if (!open)
            return;
        hash_all(&MD5, views, open, some, 0);
        for (Py_ssize_t i = 0; i < open; i++)
            memcpy(states + which[i] * MD5.words, some + i * MD5.words, sizeof MD5_START);
    }
}

static PyObject *
fast_md5_read(PyObject *module, PyObject *args)
{
    PyObject *begun, *wanted;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &begun, &PyList_Type, &wanted))
        return NULL;
    Py_ssize_t count = PyList_GET_SIZE(wanted);
    if (PyList_GET_SIZE(begun) != count) {
        PyErr_SetString(PyExc_ValueError, "Each place needs a state.");
        return NULL;
    }
    PyObject *found = NULL;
    Place *places = PyMem_New(Place, count);
    uint8_t *buffers = PyMem_New(uint8_t, count * SLICE);
    uint32_t *states = PyMem_New(uint32_t, 2 * count * MD5.words);
    Py_buffer *views = PyMem_New(Py_buffer, count);
    Py_ssize_t *which = PyMem_New(Py_ssize_t, count);
    if (!places || !buffers || !states || !views || !which) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Place *place = &places[i];
        PyObject *entry = PyList_GET_ITEM(wanted, i);
        char *text;
        Py_ssize_t size;
        place->done = place->rest = 0;
        if (!PyTuple_Check(entry)) {
            PyErr_SetString(PyExc_TypeError, "A place is a tuple.");
            goto done;
        }
        if (PyBytes_AsStringAndSize(PyList_GET_ITEM(begun, i), &text, &size) < 0 ||
            !read_state(&MD5, text, size, states + i * MD5.words) ||
            !PyArg_ParseTuple(entry, "iLL", &place->descriptor, &place->offset,
                              &place->missing))
            goto done;
        if (place->offset < 0 || place->missing < 0) {
            PyErr_SetString(PyExc_ValueError, "A place is at an offset, and so long.");
            goto done;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    read_all(places, count, buffers, states, states + count * MD5.words, views, which);
    Py_END_ALLOW_THREADS
    found = PyList_New(count);
    for (Py_ssize_t i = 0; found && i < count; i++) {
        PyObject *entry = Py_BuildValue("(y#Ly#)", states + i * MD5.words,
                                        (Py_ssize_t)sizeof MD5_START, places[i].done,
                                        places[i].tail, (Py_ssize_t)places[i].rest);
        if (!entry)
            Py_CLEAR(found);
        else
            PyList_SET_ITEM(found, i, entry);
    }
done:
    PyMem_Free(which);
    PyMem_Free(views);
    PyMem_Free(states);
    PyMem_Free(buffers);
    PyMem_Free(places);
    return found;
}

static PyObject *
fast_sha256_digests(PyObject *module, PyObject *pieces)
{
    const Kind *kind = kind_of(32);
    return kind ? hash_pieces(kind, pieces) : NULL;
}

/* Whether this processor has that way; 0 is that of eight lanes, which all have. */
static int
choose_md5_way(int way)
{
    Lanes found = md5_way(way);
    if (way && !found)
        return 0;
    MD5.advance_wide = found;
    MD5.wide = found ? 16 : MD5.lanes;
    return 1;
}

static PyObject *
fast_choose_md5_way(PyObject *module, PyObject *way)
{
    long wanted = PyLong_AsLong(way);
    if (wanted == -1 && PyErr_Occurred())
        return NULL;
    if (wanted < 0 || wanted >= MD5_WAYS) {
        PyErr_SetString(PyExc_ValueError, "There is no such way.");
        return NULL;
    }
    return PyBool_FromLong(choose_md5_way((int)wanted));
}

static int
fast_exec(PyObject *module)
{
    const uint32_t *sha256 = NULL;
    for (int way = 0; way < MD5_WAYS; way++)
        choose_md5_way(way);
#ifdef HAS_SHA256
    sha256_is_here = sha256_is_supported();
    if (sha256_is_here)
        sha256 = SHA256_START;
#endif
    PyObject *starts[] = {Py_BuildValue("y#", MD5_START, (Py_ssize_t)16),
                          Py_BuildValue("y#", sha256, (Py_ssize_t)32)};
    if (PyModule_AddObject(module, "MD5_START", starts[0]) < 0)
        Py_XDECREF(starts[0]);
    else if (PyModule_AddObject(module, "SHA256_START", starts[1]) == 0)
        return 0;
    Py_XDECREF(starts[1]);
    return -1;
}

static PyMethodDef METHODS[] = {
    {"chain", fast_chain, METH_VARARGS,
     "States of MD5, and SHA-256 or None, after all whole blocks of the data, and the "
     "data's own MD5."},
    {"choose_md5_way", fast_choose_md5_way, METH_O,
     "Whether several MD5 are computed so from now on: 0 by eight lanes, 1 by AVX2, 2 by "
     "AVX-512. The best is chosen already; this is for tests."},
    {"end", fast_end, METH_VARARGS, "Digest of a message: state, tail, length."},
    {"md5_digests", fast_md5_digests, METH_O, "MD5 of each buffer of a sequence."},
    {"md5_read", fast_md5_read, METH_VARARGS,
     "States of MD5, bytes read or minus the number of an error, and what fills no block, "
     "for places of files: descriptor, offset, length."},
    {"sha256_digests", fast_sha256_digests, METH_O,
     "SHA-256 of each buffer of a sequence; ValueError where there is none."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot SLOTS[] = {
    {Py_mod_exec, fast_exec},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_fast_digests", "Several digests at once.", 0, METHODS, SLOTS,
    NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__fast_digests(void)
{
    return PyModuleDef_Init(&MODULE);
}
