// SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
// SPDX-License-Identifier: MIT

// MD5 without WebAssembly, for pages whose Content-Security-Policy forbids that: RFC 1321
// in plain JavaScript. Much slower than hash-wasm, but any network is slower still.

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];
const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32),
);
const WORD = Int32Array.from(
  { length: 64 },
  (_, i) => [i, 5 * i + 1, 3 * i + 5, 7 * i][i >> 4] % 16,
);
const SHIFT = Int32Array.from({ length: 64 }, (_, i) => SHIFTS[i >> 4][i % 4]);
const BLOCK = 64;

const mix = (round, b, c, d) => {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (d & b) | (~d & c);
  if (round === 2) return b ^ c ^ d;
  return c ^ (b | ~d);
};

const addBlock = (state, words) => {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i += 1) {
    const sum = (a + mix(i >> 4, b, c, d) + SINES[i] + words[WORD[i]]) | 0;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << SHIFT[i]) | (sum >>> (32 - SHIFT[i])))) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
};

const hex = (state) =>
  [...new Uint8Array(state.buffer)].map((v) => v.toString(16).padStart(2, "0")).join("");

/** A digest that grows: `init()`, `update(Uint8Array)`, `digest()` as hash-wasm has them. */
export const createPlainMd5 = () => {
  const state = new Int32Array(4);
  const rest = new Uint8Array(BLOCK);
  const words = new Int32Array(rest.buffer);
  let length = 0;

  const init = () => {
    state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
    length = 0;
  };

  const update = (data) => {
    for (let at = 0; at < data.length;) {
      const filled = length % BLOCK;
      const slice = data.subarray(at, at + BLOCK - filled);
      rest.set(slice, filled);
      at += slice.length;
      length += slice.length;
      if (length % BLOCK === 0) addBlock(state, words);
    }
  };

  const digest = () => {
    const bits = length * 8;
    const padding = new Uint8Array(((119 - (length % BLOCK)) % BLOCK) + 1 + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer, padding.length - 8);
    view.setUint32(0, bits % 2 ** 32, true);
    view.setUint32(4, Math.floor(bits / 2 ** 32), true);
    update(padding);
    return hex(state);
  };

  init();
  return { init, update, digest };
};
