// The products and the attention of an encoder on the matrix units, in bfloat16; encode.cpp includes it.
#pragma once
#include "encoding_parts.h"
#include "tiles.h"

namespace alen {

using Number = uint16_t;  // an activation: bfloat16
constexpr int ROW_STEP = LANES;

inline bool encodes() { return tiles_allowed(); }

// Weights and rows are multiplied as they come.
struct Weights {
    const uint16_t* bits;

    Weights(const uint16_t* bits, int, int) : bits(bits) {}
};
struct Rows {
    Rows(int, int) {}
};
inline void ready(const Number*, int, int, Rows&) {}

inline void put(Number* out, F x) { _mm256_storeu_si256((__m256i*)out, (__m256i)_mm512_cvtneps_pbh(x.v)); }

struct AttentionRoom {
    Room<float> scores;
    Room<Number> keys, values, shares;

    AttentionRoom(int width, int longest)
        : scores(LANES * longest), keys((long)longest * width), values(keys.size()), shares(LANES * longest) {}
};

// out(row, first output, sixteen numbers) of x [rows][inputs] times the weights, for whole tiles of rows.
template <class Out>
inline void multiply_rows(const Number* x, const Rows&, int rows, int inputs, const Weights& weights, const float* bias,
                          int outputs, const Out& out) {
    alignas(64) float found[4][LANES * LANES];
    const long stride = 2L * inputs, size = (long)inputs * LANES;
    for (int output = 0; output < outputs; output += 2 * LANES) {
        const uint16_t* own = weights.bits + (long)output * inputs;
        const F biases[2] = {load(bias + output), load(bias + output + LANES)};
        for (int row = 0; row < rows; row += 2 * LANES) {
            const uint16_t *x0 = x + (long)row * inputs, *x1 = x0 + (long)LANES * inputs;
            const bool second = row + LANES < rows;
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int input = 0; input < inputs; input += GROUP) {
                _tile_loadd(4, x0 + input, stride);
                _tile_loadd(6, own + (long)input * LANES, 64);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, own + size + (long)input * LANES, 64);
                _tile_dpbf16ps(1, 4, 7);
                if (second) {
                    _tile_loadd(5, x1 + input, stride);
                    _tile_dpbf16ps(2, 5, 6);
                    _tile_dpbf16ps(3, 5, 7);
                }
            }
            _tile_stored(0, found[0], 64);
            _tile_stored(1, found[1], 64);
            _tile_stored(2, found[2], 64);
            _tile_stored(3, found[3], 64);
            for (int r = 0; r < (second ? 2 : 1) * LANES; r++)
                for (int b = 0; b < 2; b++)
                    out(row + r, output + b * LANES, load(found[2 * (r / LANES) + b] + r % LANES * LANES) + biases[b]);
        }
    }
}

// Keys as [16 keys][pairs of features][16 keys][2], values as [16 features][pairs of keys][16 features][2].
inline void lay_out(const uint16_t* keys, const uint16_t* values, long stride, int tokens, int width, AttentionRoom& room) {
    const int places = filled(tokens, GROUP);
    const __m512i lanes = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                             _mm512_set1_epi32((int)stride / 2));
    uint16_t* to = room.keys.data();
    for (int key = 0; key < places; key += LANES)
        for (int pair = 0; pair < width / 2; pair++, to += 2 * LANES) {
            const __mmask16 there = tokens - key >= LANES ? 0xffff : tokens <= key ? 0 : (1 << (tokens - key)) - 1;
            const int* from = (const int*)(keys + key * stride) + pair;
            _mm512_storeu_si512(to, _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), there, lanes, from, 4));
        }
    to = room.values.data();
    for (int feature = 0; feature < width; feature += LANES)
        for (int key = 0; key < places; key += 2, to += 2 * LANES) {
            const __m256i none = _mm256_setzero_si256();
            const uint16_t* from = values + key * stride + feature;
            const __m512i even = _mm512_cvtepu16_epi32(key < tokens ? _mm256_loadu_si256((const __m256i*)from) : none);
            const __m512i odd =
                _mm512_cvtepu16_epi32(key + 1 < tokens ? _mm256_loadu_si256((const __m256i*)(from + stride)) : none);
            _mm512_storeu_si512(to, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
        }
}

// One row of scores, of ``tokens``, becomes shares that are not divided by their sum, which is returned.
inline float share(const float* scores, uint16_t* shares, int tokens, int places) {
    F most = all(-INFINITY);
    auto there = [&](int i) { return (__mmask16)(tokens - i >= LANES ? 0xffff : tokens <= i ? 0 : (1 << (tokens - i)) - 1); };
    for (int i = 0; i < tokens; i += LANES) most = larger(most, {_mm512_mask_mov_ps(most.v, there(i), load(scores + i).v)});
    const F top = all(largest(most));
    F total = zero();
    for (int i = 0; i < places; i += LANES) {
        const F one = {_mm512_maskz_mov_ps(there(i), i < tokens ? power_of_two(load(scores + i) - top).v : zero().v)};
        total = total + one;
        put(shares + i, one);
    }
    return sum(total);
}

// Every token of a text attends to all of it; ``qkv`` and ``out`` begin at its first row.
inline void attend_all(int model, int heads, const Number* qkv, Number* out, int tokens, AttentionRoom& room) {
    const int E = model / heads, places = filled(tokens, GROUP);
    const long stride = 3L * model;
    alignas(64) float found[2][LANES * LANES];
    for (int head = 0; head < heads; head++) {
        const uint16_t* queries = qkv + head * E;
        lay_out(queries + model, queries + 2 * model, stride, tokens, E, room);
        for (int row = 0; row < tokens; row += LANES) {
            const int rows = tokens - row < LANES ? tokens - row : LANES;
            for (int key = 0; key < places; key += 2 * LANES) {
                const uint16_t* own = room.keys.data() + (long)key * E;
                _tile_zero(0);
                _tile_zero(1);
                for (int i = 0; i < E; i += GROUP) {
                    _tile_loadd(4, queries + row * stride + i, 2 * stride);
                    _tile_loadd(5, own + i * LANES, 64);
                    _tile_dpbf16ps(0, 4, 5);
                    _tile_loadd(6, own + (E + i) * LANES, 64);
                    _tile_dpbf16ps(1, 4, 6);
                }
                _tile_stored(0, room.scores.data() + key, places * sizeof(float));
                _tile_stored(1, room.scores.data() + key + LANES, places * sizeof(float));
            }
            float totals[LANES];
            for (int r = 0; r < rows; r++)
                totals[r] = share(room.scores.data() + (long)r * places, room.shares.data() + (long)r * places, tokens, places);
            for (int i = 0; i < E; i += 2 * LANES) {
                const uint16_t* own = room.values.data() + (long)i * places;
                _tile_zero(2);
                _tile_zero(3);
                for (int key = 0; key < places; key += GROUP) {
                    _tile_loadd(4, room.shares.data() + key, 2L * places);
                    _tile_loadd(5, own + key * LANES, 64);
                    _tile_dpbf16ps(2, 4, 5);
                    _tile_loadd(6, own + ((long)places + key) * LANES, 64);
                    _tile_dpbf16ps(3, 4, 6);
                }
                _tile_stored(2, found[0], 64);
                _tile_stored(3, found[1], 64);
                for (int r = 0; r < rows; r++)
                    for (int b = 0; b < 2; b++)
                        put(out + (long)(row + r) * model + head * E + i + b * LANES,
                                      load(found[b] + r * LANES) * all(1.0f / totals[r]));
            }
        }
    }
}

}  // namespace alen
