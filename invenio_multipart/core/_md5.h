/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * Steps of MD5, and blocks into one chain; _md5_lanes.h has several side by side.
 *
 * Source: RFC 1321
 */

#ifndef MULTIPART_MD5_H
#define MULTIPART_MD5_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Needs vectors as GCC and Clang have them, and the byte order of MD5."
#endif

static const uint32_t MD5_START[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

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

/* The 64 steps, four to a line; STEP is what one of them does, and BESIDE what else is
 * done among four. */
#define FOUR(f, i, s, t, u, v, k, l, m, n)                                            \
    STEP(f, a, b, c, d, k, i, s)                                                      \
    STEP(f, d, a, b, c, l, i + 1, t)                                                  \
    BESIDE(i / 4)                                                                     \
    STEP(f, c, d, a, b, m, i + 2, u)                                                  \
    STEP(f, b, c, d, a, n, i + 3, v)
#define BESIDE(quarter)
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
md5_one(uint32_t state[4], const uint8_t *data, size_t blocks)
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

/* Four words of each of four messages; where each of these has its word in a row of its
 * own, rows being so many words long. */
static inline void
md5_turn(uint32_t *rows, int length, const uint8_t *const *data, size_t at)
{
#if defined(__x86_64__)
    __m128i words[4], low[2], high[2];
    for (int i = 0; i < 4; i++)
        words[i] = _mm_loadu_si128((const __m128i *)(data[i] + at));
    for (int i = 0; i < 2; i++) {
        low[i] = _mm_unpacklo_epi32(words[2 * i], words[2 * i + 1]);
        high[i] = _mm_unpackhi_epi32(words[2 * i], words[2 * i + 1]);
    }
    words[0] = _mm_unpacklo_epi64(low[0], low[1]);
    words[1] = _mm_unpackhi_epi64(low[0], low[1]);
    words[2] = _mm_unpacklo_epi64(high[0], high[1]);
    words[3] = _mm_unpackhi_epi64(high[0], high[1]);
    for (int i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(rows + i * length), words[i]);
#else
    for (int lane = 0; lane < 4; lane++) {
        uint32_t words[4];
        memcpy(words, data[lane] + at, sizeof words);
        for (int i = 0; i < 4; i++)
            rows[i * length + lane] = words[i];
    }
#endif
}

#define LANES 8
#define NAME md5_eight
#define TARGET
#include "_md5_lanes.h"

#if defined(__x86_64__)
/* As many again cost little more where a vector has room for them. */
#define LANES 16
#define NAME md5_sixteen_avx2
#define TARGET __attribute__((target("avx2")))
#include "_md5_lanes.h"

/* This one turns words and joins bits in one step each. */
#define LANES 16
#define NAME md5_sixteen_avx512
#define TARGET __attribute__((target("avx512f,avx512vl")))
#include "_md5_lanes.h"
#endif

/* Ways to compute sixteen, each better than the one before; NULL where it cannot be had. */
enum { MD5_WAYS = 3 };

static Lanes
md5_way(int way)
{
#if defined(__x86_64__)
    if (way == 2 && __builtin_cpu_supports("avx512vl"))
        return md5_sixteen_avx512;
    if (way == 1 && __builtin_cpu_supports("avx2"))
        return md5_sixteen_avx2;
#endif
    return NULL;
}

#undef STEP

#endif
