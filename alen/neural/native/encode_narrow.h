// The products and the attention of an encoder in vector registers; encode.cpp includes it where there are no matrix
// units. What is multiplied is rounded to whole numbers of eleven bits or so, an output and a row with a scale of its own:
// their products are twice as fast as those of floats, and no coarser than bfloat16. All else is float32.
#pragma once
#include "encoding_parts.h"

namespace alen {

using Number = float;  // an activation
#ifdef ALEN_AVX512
constexpr int ROW_STEP = 8;
#else
constexpr int ROW_STEP = 4;
#endif

// The largest whole number of which so many squares fit into 32 bits.
inline int most_of(int inputs) { return (int)std::sqrt(2147483647.0 / inputs); }

// Weights as they come, in bfloat16, made whole; ``worth`` is that of a one for each output.
struct Weights {
    Room<int16_t> whole;
    Room<float> worth;

    Weights(const uint16_t* bits, int outputs, int inputs) : whole((long)outputs * inputs), worth(outputs) {
        const F most = all((float)most_of(inputs));
        for (long block = 0; block < outputs / LANES; block++) {
            const uint16_t* from = bits + block * inputs * LANES;
            F largest_even = zero(), largest_odd = zero(), even, odd;
            for (int input = 0; input < inputs; input += 2) {
                load_pairs(from + (long)input * LANES, even, odd);
                largest_even = larger(largest_even, magnitude(even));
                largest_odd = larger(largest_odd, magnitude(odd));
            }
            const F one = larger(larger(largest_even, largest_odd), all(1e-30f)) / most;
            store(worth.data() + block * LANES, one);
            for (int input = 0; input < inputs; input += 2) {
                float evens[LANES], odds[LANES];
                load_pairs(from + (long)input * LANES, even, odd);
                store(evens, rounded(even / one));
                store(odds, rounded(odd / one));
                int16_t* to = whole.data() + (block * inputs + input) * LANES;
                for (int lane = 0; lane < LANES; lane++) {
                    to[2 * lane] = (int16_t)evens[lane];
                    to[2 * lane + 1] = (int16_t)odds[lane];
                }
            }
        }
    }
};

// Rows made whole, as products take them.
struct Rows {
    Room<int16_t> whole;
    Room<float> worth;

    Rows(int rows, int widest) : whole((long)rows * widest), worth(rows) {}
};

inline void ready(const float* x, int row, int inputs, Rows& rows) {
    const float *from = x + (long)row * inputs, limit = (float)most_of(inputs);
    F most = zero();
    for (int i = 0; i < inputs; i += LANES) most = larger(most, magnitude(load(from + i)));
    const float one = std::fmax(largest(most), 1e-30f) / limit;
    rows.worth[row] = one;
    const F turned = all(1.0f / one);
    int16_t* to = rows.whole.data() + (long)row * inputs;
    for (int i = 0; i < inputs; i += LANES) store_whole(to + i, load(from + i) * turned);
}

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

// out(row, first output, sixteen numbers) of rows times the weights, for whole steps of rows.
template <class Out>
inline void multiply_rows(const float*, const Rows& x, int rows, int inputs, const Weights& weights, const float* bias,
                          int outputs, const Out& out) {
    for (int output = 0; output < outputs; output += LANES) {
        const int16_t* own = weights.whole.data() + (long)output * inputs;
        const F shift = load(bias + output), worth = load(weights.worth.data() + output);
        for (int row = 0; row < rows; row += ROW_STEP) {
            I found[ROW_STEP];
            for (int r = 0; r < ROW_STEP; r++) found[r] = nothing();
            const int16_t* from = x.whole.data() + (long)row * inputs;
            for (int input = 0; input < inputs; input += 2) {
                const I both = words(own + (long)input * LANES);
                for (int r = 0; r < ROW_STEP; r++) found[r] = add_pairs(found[r], both, from + (long)r * inputs + input);
            }
            for (int r = 0; r < ROW_STEP; r++)
                out(row + r, output, fma(number(found[r]), worth * all(x.worth[row + r]), shift));
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
