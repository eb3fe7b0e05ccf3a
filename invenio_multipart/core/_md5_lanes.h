/* SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
 * SPDX-License-Identifier: MIT
 *
 * Several chains of MD5 side by side. Included once for each way to compute them, with
 *
 *   - LANES, a multiple of 4,
 *   - NAME of the function, and
 *   - TARGET, the instructions that it may use.
 */

#define JOINED(x, y) x##y
#define VECTOR_OF(name) JOINED(name, _vector)
#define VECTOR VECTOR_OF(NAME)

typedef uint32_t VECTOR __attribute__((vector_size(4 * LANES)));

/* As many blocks into every lane. */
static TARGET void
NAME(uint32_t *const *states, const uint8_t *const *data, size_t blocks)
{
    uint32_t turned[16][LANES];
    VECTOR w[16], a, b, c, d;
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < 4; i++)
            turned[i][lane] = states[lane][i];
    memcpy(&a, turned[0], sizeof a), memcpy(&b, turned[1], sizeof b);
    memcpy(&c, turned[2], sizeof c), memcpy(&d, turned[3], sizeof d);
    for (size_t at = 0; at < blocks * BLOCK; at += BLOCK) {
        VECTOR a0 = a, b0 = b, c0 = c, d0 = d;
        for (int lane = 0; lane < LANES; lane += 4)
            for (int i = 0; i < 16; i += 4)
                md5_turn(&turned[i][lane], LANES, data + lane, at + 4 * (size_t)i);
        memcpy(w, turned, sizeof w);
        ALL_STEPS
        a += a0, b += b0, c += c0, d += d0;
    }
    memcpy(turned[0], &a, sizeof a), memcpy(turned[1], &b, sizeof b);
    memcpy(turned[2], &c, sizeof c), memcpy(turned[3], &d, sizeof d);
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < 4; i++)
            states[lane][i] = turned[i][lane];
}

#undef VECTOR
#undef VECTOR_OF
#undef JOINED
#undef TARGET
#undef NAME
#undef LANES
