// Products with packed weights. Every row is multiplied on its own and summed in one fixed order, so that it comes out
// bit for bit the same alone and beside others.
//
// Sixteen outputs lie side by side (a block), and along the inputs groups of 32 have a scale of their own, in weights
// and in activations, as in GGUF. Per block and group:
//   BYTES    8 x 64 unsigned bytes (weight + 128: four inputs of sixteen outputs), 16 half scales
//   NIBBLES  4 x 64 bytes (inputs 0-15 in the low, 16-31 in the high halves), 16 half scales, 16 half minima
//   HALVES   32 x 16 halves
#pragma once
#include "simd.h"

namespace alen {

constexpr int GROUP = 32;
enum Kind { HALVES = 1, BYTES = 2, NIBBLES = 3 };

inline int group_bytes(int kind) { return kind == NIBBLES ? 320 : kind == BYTES ? 544 : 1024; }

constexpr int AHEAD = 2048;  // bytes: processors stop to fetch by themselves at the end of each page of memory

template <int BYTES>
inline void fetch(const uint8_t* data) {
    for (int at = 0; at < BYTES; at += 64) __builtin_prefetch(data + at);
}

struct Matrix {
    int kind = 0, outputs = 0, inputs = 0;
    const uint8_t* data = nullptr;
    const float* bias = nullptr;

    long block_bytes() const { return (long)(inputs / GROUP) * group_bytes(kind); }
    const uint8_t* block(int number) const { return data + number * block_bytes(); }
};

// Activations of some rows, as numbers and in groups of bytes.
struct Activations {
    int inputs = 0;
    float* numbers = nullptr;     // rows x inputs
    int8_t* quantised = nullptr;  // rows x inputs
    float* scales = nullptr;      // rows x groups
    float* sums = nullptr;        // rows x groups: scale times the sum of the bytes
    int32_t* whole = nullptr;     // rows x groups: -128 times the sum of the bytes
    uint16_t* wide = nullptr;     // rows x inputs, bfloat16: for the matrix units

    int groups() const { return inputs / GROUP; }

    // One group of a row, from its numbers.
    void quantise(int row, int group) const {
        const long at = (long)row * inputs + group * GROUP, cell = (long)row * groups() + group;
        F low = load(numbers + at), high = load(numbers + at + LANES);
        const float most = largest(larger(magnitude(low), magnitude(high)));
        const float scale = most / 127.0f;
        const F turned = all(most > 0.0f ? 127.0f / most : 0.0f);
        store_bytes(quantised + at, low * turned);
        store_bytes(quantised + at + LANES, high * turned);
        const int total = sum_of_bytes(quantised + at);
        scales[cell] = scale;
        sums[cell] = scale * (float)total;
        whole[cell] = -128 * total;
    }
};

template <int ROWS>
inline void multiply_nibbles(const uint8_t* data, const Activations& x, int row, F* out) {
    const int groups = x.groups();
    for (int r = 0; r < ROWS; r++) out[r] = zero();
    for (int group = 0; group < groups; group++, data += 320) {
        fetch<320>(data + AHEAD);
        I weights[8];
        for (int part = 0; part < 4; part++) {
            const I both = bytes(data + 64 * part);
            weights[part] = low_nibbles(both);
            weights[part + 4] = high_nibbles(both);
        }
        const F scale = half((const uint16_t*)(data + 256)), least = half((const uint16_t*)(data + 288));
        for (int r = 0; r < ROWS; r++) {
            const long cell = (long)(row + r) * groups + group;
            const int8_t* q = x.quantised + (long)(row + r) * x.inputs + group * GROUP;
            out[r] = fma(number(dot_nibbles(weights, q)), scale * all(x.scales[cell]), out[r]);
            out[r] = fma(least, all(x.sums[cell]), out[r]);
        }
    }
}

template <int ROWS>
inline void multiply_bytes(const uint8_t* data, const Activations& x, int row, F* out) {
    const int groups = x.groups();
    for (int r = 0; r < ROWS; r++) out[r] = zero();
    for (int group = 0; group < groups; group++, data += 544) {
        fetch<544>(data + AHEAD);
        const F scale = half((const uint16_t*)(data + 512));
        for (int r = 0; r < ROWS; r++) {
            const long cell = (long)(row + r) * groups + group;
            const int8_t* q = x.quantised + (long)(row + r) * x.inputs + group * GROUP;
            out[r] = fma(number(dot_bytes(data, q, x.whole[cell])), scale * all(x.scales[cell]), out[r]);
        }
    }
}

template <int ROWS>
inline void multiply_halves(const uint8_t* data, const Activations& x, int row, F* out) {
    F second[ROWS];
    for (int r = 0; r < ROWS; r++) out[r] = second[r] = zero();
    const uint16_t* weights = (const uint16_t*)data;
    for (int input = 0; input < x.inputs; input += 2, weights += 2 * LANES) {
        const F even = half(weights), odd = half(weights + LANES);
        for (int r = 0; r < ROWS; r++) {
            const float* numbers = x.numbers + (long)(row + r) * x.inputs + input;
            out[r] = fma(even, all(numbers[0]), out[r]);
            second[r] = fma(odd, all(numbers[1]), second[r]);
        }
    }
    for (int r = 0; r < ROWS; r++) out[r] = out[r] + second[r];
}

template <int ROWS>
inline void multiply_block(const Matrix& m, int block, const Activations& x, int row, F* out) {
    const uint8_t* data = m.block(block);
    if (m.kind == NIBBLES)
        multiply_nibbles<ROWS>(data, x, row, out);
    else if (m.kind == BYTES)
        multiply_bytes<ROWS>(data, x, row, out);
    else
        multiply_halves<ROWS>(data, x, row, out);
    if (m.bias)
        for (int r = 0; r < ROWS; r++) out[r] = out[r] + load(m.bias + (long)block * LANES);
}

constexpr int TILE = 8;

// Hands out(row, block, sixteen outputs) for the rows [first, last) of one block.
template <class Out>
inline void multiply(const Matrix& m, int block, const Activations& x, int first, int last, const Out& out) {
    F found[TILE];
    int row = first;
    for (; row + TILE <= last; row += TILE) {
        multiply_block<TILE>(m, block, x, row, found);
        for (int r = 0; r < TILE; r++) out(row + r, found[r]);
    }
    for (; row + 4 <= last; row += 4) {
        multiply_block<4>(m, block, x, row, found);
        for (int r = 0; r < 4; r++) out(row + r, found[r]);
    }
    for (; row + 2 <= last; row += 2) {
        multiply_block<2>(m, block, x, row, found);
        for (int r = 0; r < 2; r++) out(row + r, found[r]);
    }
    if (row < last) {
        multiply_block<1>(m, block, x, row, found);
        out(row, found[0]);
    }
}

// One row of a packed matrix as numbers: the embedding of a token, where input and output words share a matrix.
inline void unpack_row(const Matrix& m, int output, float* out) {
    const uint8_t* data = m.block(output / LANES);
    const int lane = output % LANES;
    for (int group = 0; group < m.inputs / GROUP; group++, data += group_bytes(m.kind)) {
        float scales[LANES], minima[LANES];
        if (m.kind != HALVES) store(scales, half((const uint16_t*)(data + (m.kind == BYTES ? 512 : 256))));
        if (m.kind == NIBBLES) store(minima, half((const uint16_t*)(data + 288)));
        for (int i = 0; i < GROUP; i++) {
            float& number = out[group * GROUP + i];
            if (m.kind == HALVES) {
                float row[LANES];
                store(row, half((const uint16_t*)data + i * LANES));
                number = row[lane];
            } else if (m.kind == BYTES) {
                number = ((int)data[(i / 4) * 64 + lane * 4 + i % 4] - 128) * scales[lane];
            } else {
                const int within = i % 16;
                const int both = data[(within / 4) * 64 + lane * 4 + within % 4];
                number = (i < 16 ? both & 15 : both >> 4) * scales[lane] + minima[lane];
            }
        }
    }
}

}  // namespace alen
