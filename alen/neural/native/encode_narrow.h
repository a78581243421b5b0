// The products and the attention of an encoder in vector registers, with weights of bfloat16 and float32 for all else;
// encode.cpp includes it where there are no matrix units.
#pragma once
#include "encoding_parts.h"

namespace alen {

using Number = float;  // an activation
#ifdef ALEN_AVX512
constexpr int ROW_STEP = 8;
#else
constexpr int ROW_STEP = 4;
#endif

// Plain loops are slower than torch.
#if defined(ALEN_AVX512) || defined(ALEN_AVX2)
inline bool encodes() { return true; }
#else
inline bool encodes() { return false; }
#endif

inline void put(Number* out, F x) { store(out, x); }

struct AttentionRoom {
    Room<float> scores, keys;

    AttentionRoom(int width, int longest) : scores((long)ROW_STEP * longest), keys((long)longest * width) {}
};

// out(row, first output, sixteen numbers) of x [rows][inputs] times the weights, for whole steps of rows.
template <class Out>
inline void multiply_rows(const float* x, int rows, int inputs, const uint16_t* weights, const float* bias, int outputs,
                          const Out& out) {
    for (int output = 0; output < outputs; output += LANES) {
        const uint16_t* own = weights + (long)output * inputs;
        const F first = load(bias + output);
        for (int row = 0; row < rows; row += ROW_STEP) {
            F found[ROW_STEP];
            for (int r = 0; r < ROW_STEP; r++) found[r] = first;
            const float* from = x + (long)row * inputs;
            for (int input = 0; input < inputs; input += 2) {
                F even, odd;
                load_pairs(own + (long)input * LANES, even, odd);
                for (int r = 0; r < ROW_STEP; r++) {
                    found[r] = fma(even, all(from[(long)r * inputs + input]), found[r]);
                    found[r] = fma(odd, all(from[(long)r * inputs + input + 1]), found[r]);
                }
            }
            for (int r = 0; r < ROW_STEP; r++) out(row + r, output, found[r]);
        }
    }
}

// Keys as [16 keys][features][16 keys], with zeros behind the last.
inline void lay_out(const float* keys, long stride, int tokens, int width, float* to) {
    for (int key = 0; key < tokens; key += LANES)
        for (int i = 0; i < width; i++)
            for (int lane = 0; lane < LANES; lane++)
                *to++ = key + lane < tokens ? keys[(long)(key + lane) * stride + i] : 0.0f;
}

// Every token of a text attends to all of it; ``qkv`` and ``out`` begin at its first row.
inline void attend_all(int model, int heads, const float* qkv, float* out, int tokens, AttentionRoom& room) {
    const int E = model / heads, places = (tokens + LANES - 1) / LANES * LANES;
    const long stride = 3L * model;
    for (int head = 0; head < heads; head++) {
        const float *queries = qkv + head * E, *values = queries + 2 * model;
        lay_out(queries + model, stride, tokens, E, room.keys.data());
        for (int row = 0; row < tokens; row += ROW_STEP) {
            const int rows = tokens - row < ROW_STEP ? tokens - row : ROW_STEP;
            float totals[ROW_STEP];
            for (int r = 0; r < rows; r++) {
                float* scores = room.scores.data() + (long)r * places;
                const float* query = queries + (long)(row + r) * stride;
                F most = all(-INFINITY), total = zero();
                for (int key = 0; key < places; key += LANES) {
                    F even = zero(), odd = zero();
                    const float* own = room.keys.data() + (long)key * E;
                    for (int i = 0; i < E; i += 2) {
                        even = fma(load(own + i * LANES), all(query[i]), even);
                        odd = fma(load(own + (i + 1) * LANES), all(query[i + 1]), odd);
                    }
                    store(scores + key, even + odd);
                    for (int i = tokens; i < key + LANES; i++) scores[i] = -INFINITY;
                    most = larger(most, load(scores + key));
                }
                const F top = all(largest(most));
                for (int key = 0; key < places; key += LANES) {
                    store(scores + key, power_of_two(load(scores + key) - top));
                    for (int i = tokens; i < key + LANES; i++) scores[i] = 0.0f;
                    total = total + load(scores + key);
                }
                totals[r] = sum(total);
            }
            for (int i = 0; i < E; i += LANES) {
                F found[ROW_STEP];
                for (int r = 0; r < ROW_STEP; r++) found[r] = zero();
                for (int key = 0; key < tokens; key++) {
                    const F value = load(values + key * stride + i);
                    for (int r = 0; r < rows; r++)
                        found[r] = fma(value, all(room.scores[(long)r * places + key]), found[r]);
                }
                for (int r = 0; r < rows; r++)
                    store(out + (long)(row + r) * model + head * E + i, found[r] * all(1.0f / totals[r]));
            }
        }
    }
}

}  // namespace alen
