/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * Steps of SHA-256, by the instructions that x86-64 processors have for it.
 *
 * Source: FIPS 180-4; the order of words in a register: Gulley et al., "Intel SHA
 * Extensions", 2013
 */

#ifndef MULTIPART_SHA256_H
#define MULTIPART_SHA256_H

#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum { SHA256_LANES = 2 };

/* Words f e b a h g d c: as the two registers of a state hold them. */
static const uint32_t SHA256_START[8] = {0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667,
                                         0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372};

static const uint32_t ROOTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define WITH_SHA __attribute__((target("sha,sse4.1")))

/* One message: its state, and the 16 words that the next four steps are made of. */
typedef struct {
    __m128i abef, cdgh, words[4];
} Sha256;

static int
sha256_is_supported(void)
{
    unsigned int a, b, c, d;
    /* The processors with SHA all have SSE 4.1, too. */
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b >> 29 & 1;
}

static inline WITH_SHA Sha256
sha256_load(const uint32_t state[8])
{
    Sha256 sha;
    sha.abef = _mm_loadu_si128((const __m128i *)state);
    sha.cdgh = _mm_loadu_si128((const __m128i *)(state + 4));
    return sha;
}

static inline WITH_SHA void
sha256_store(uint32_t state[8], Sha256 sha)
{
    _mm_storeu_si128((__m128i *)state, sha.abef);
    _mm_storeu_si128((__m128i *)(state + 4), sha.cdgh);
}

static inline WITH_SHA void
sha256_read(Sha256 *sha, const uint8_t *data)
{
    const __m128i reversed =
        _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    for (int i = 0; i < 4; i++)
        sha->words[i] = _mm_shuffle_epi8(
            _mm_loadu_si128((const __m128i *)(data + 16 * i)), reversed);
}

/* Steps 4 n to 4 n + 3, and what the words of later ones need of these. */
static inline WITH_SHA __attribute__((always_inline)) void
sha256_four(Sha256 *sha, const int n)
{
    __m128i *now = &sha->words[n % 4], *next = &sha->words[(n + 1) % 4];
    __m128i *last = &sha->words[(n + 3) % 4];
    __m128i sum = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)(ROOTS + 4 * n)));
    sha->cdgh = _mm_sha256rnds2_epu32(sha->cdgh, sha->abef, sum);
    if (n >= 3 && n < 15)
        *next = _mm_sha256msg2_epu32(
            _mm_add_epi32(*next, _mm_alignr_epi8(*now, *last, 4)), *now);
    sha->abef = _mm_sha256rnds2_epu32(sha->abef, sha->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (n >= 1 && n < 13)
        *last = _mm_sha256msg1_epu32(*last, *now);
}

static inline WITH_SHA void
sha256_add(Sha256 *sha, const Sha256 *before)
{
    sha->abef = _mm_add_epi32(sha->abef, before->abef);
    sha->cdgh = _mm_add_epi32(sha->cdgh, before->cdgh);
}

/* Whole blocks of one message. */
static WITH_SHA void
sha256_one(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    Sha256 sha = sha256_load(state);
    for (; blocks; blocks--, data += BLOCK) {
        const Sha256 before = sha;
        sha256_read(&sha, data);
#pragma GCC unroll 16
        for (int n = 0; n < 16; n++)
            sha256_four(&sha, n);
        sha256_add(&sha, &before);
    }
    sha256_store(state, sha);
}

/* As many blocks of each of two messages: one waits while the other computes. */
static WITH_SHA void
sha256_lanes(uint32_t *const states[SHA256_LANES], const uint8_t *const data[SHA256_LANES],
             size_t blocks)
{
    Sha256 x = sha256_load(states[0]), y = sha256_load(states[1]);
    for (size_t at = 0; at < blocks * BLOCK; at += BLOCK) {
        const Sha256 x0 = x, y0 = y;
        sha256_read(&x, data[0] + at);
        sha256_read(&y, data[1] + at);
#pragma GCC unroll 16
        for (int n = 0; n < 16; n++) {
            sha256_four(&x, n);
            sha256_four(&y, n);
        }
        sha256_add(&x, &x0);
        sha256_add(&y, &y0);
    }
    sha256_store(states[0], x);
    sha256_store(states[1], y);
}

/* The bytes of the digest in place of its words. */
static void
sha256_write(uint32_t state[8])
{
    static const int FROM[8] = {3, 2, 7, 6, 1, 0, 5, 4};
    uint32_t digest[8];
    for (int i = 0; i < 8; i++)
        digest[i] = __builtin_bswap32(state[FROM[i]]);
    memcpy(state, digest, sizeof digest);
}

#endif
