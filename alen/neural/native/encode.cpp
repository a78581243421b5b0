// An encoder of BERT's family on the matrix units: whole texts in, one vector each out. A thread takes some texts and
// passes all layers with them alone, without a barrier. Rows never mix but in the attention of their own text, so that a
// vector is bit for bit the same whatever else is asked for.
#include <algorithm>
#include <atomic>
#include <memory>

#include "pool.h"
#include "tiles.h"

namespace alen {

struct EncoderShape {
    int32_t layers, width, heads, inner, threads;
    float eps;
};

// Weights as [outputs / 16][inputs / 2][16][2] in bfloat16. Queries come out ready for powers of two.
struct EncoderLayer {
    const uint16_t *qkv, *o, *up, *down;
    const float *qkv_bias, *o_bias, *up_bias, *down_bias;
    const float *attention_scale, *attention_shift, *ffn_scale, *ffn_shift;
};

struct EncoderTables {
    const float *words, *positions, *scale, *shift;
};

#ifdef ALEN_TILES

constexpr int ROWS_AT_ONCE = 256;  // of a thread, unless one text is longer: with all they need they stay in its cache

struct Encoder {
    EncoderShape shape;
    EncoderTables tables;
    std::vector<EncoderLayer> layers;
    Pool pool;
};

// What one thread needs for some rows.
struct EncoderRoom {
    Room<float> state, scores;
    Room<uint16_t> x, qkv, attended, inner, keys, values, shares;

    EncoderRoom(const EncoderShape& s, int rows, int longest)
        : state((long)rows * s.width), scores(LANES * longest), x((long)rows * s.width), qkv(3L * rows * s.width),
          attended((long)rows * s.width), inner((long)rows * s.inner), keys((long)longest * s.width / s.heads),
          values(keys.size()), shares(LANES * longest) {}
};

inline int filled(int count, int step) { return (count + step - 1) / step * step; }

// out(row, first output, sixteen numbers) of x [rows][inputs] times the weights, for whole tiles of rows.
template <class Out>
inline void multiply_rows(const uint16_t* x, int rows, int inputs, const uint16_t* weights, const float* bias, int outputs,
                          const Out& out) {
    alignas(64) float found[4][LANES * LANES];
    const long stride = 2L * inputs, size = (long)inputs * LANES;
    for (int output = 0; output < outputs; output += 2 * LANES) {
        const uint16_t* own = weights + (long)output * inputs;
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

inline void widen_numbers(uint16_t* out, F x) { _mm256_storeu_si256((__m256i*)out, (__m256i)_mm512_cvtneps_pbh(x.v)); }

// x times the share of a normal distribution below it (Hendrycks and Gimpel, 2016): an odd polynomial up to four, off by
// 2e-5 at most, a hundredth of what bfloat16 rounds away.
inline F gelu(F x) {
    const F part = larger(smaller(x, all(4.0f)), all(-4.0f)), s = part * part;
    F p = all(6.74026046e-11f);
    p = fma(p, s, all(-6.06681299e-09f));
    p = fma(p, s, all(2.44081814e-07f));
    p = fma(p, s, all(-5.86055862e-06f));
    p = fma(p, s, all(9.4939882e-05f));
    p = fma(p, s, all(-0.0011128542f));
    p = fma(p, s, all(0.00981579569f));
    p = fma(p, s, all(-0.0663236219f));
    p = fma(p, s, all(0.398881011f));
    return x * fma(part, p, all(0.5f));
}

// Two to the x, for x from -126 to 0, off by 3e-6 of itself at most.
inline F power_of_two(F x) {
    x = larger(x, all(-126.0f));
    const F n = rounded(x), r = x - n;
    F p = all(0.0095827871f);
    p = fma(p, r, all(0.055906417f));
    p = fma(p, r, all(0.240241f));
    p = fma(p, r, all(0.6931242f));
    p = fma(p, r, all(1.0f));
    return times_two_to(p, n);
}

// Mean zero and variance one, times a weight, plus a bias (Ba et al., 2016), in place and as bfloat16.
inline void standardise(float* state, uint16_t* x, int width, float eps, const float* scale, const float* shift) {
    F total = zero(), squares = zero();
    for (int i = 0; i < width; i += LANES) total = total + load(state + i);
    const F mean = all(sum(total) / width);
    for (int i = 0; i < width; i += LANES) {
        const F off = load(state + i) - mean;
        squares = fma(off, off, squares);
    }
    const F factor = all(1.0f / std::sqrt(sum(squares) / width + eps));
    for (int i = 0; i < width; i += LANES) {
        const F found = fma((load(state + i) - mean) * factor, load(scale + i), load(shift + i));
        store(state + i, found);
        widen_numbers(x + i, found);
    }
}

// Keys as [16 keys][pairs of features][16 keys][2], values as [16 features][pairs of keys][16 features][2].
inline void lay_out(const uint16_t* keys, const uint16_t* values, long stride, int tokens, int width, EncoderRoom& room) {
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
        widen_numbers(shares + i, one);
    }
    return sum(total);
}

// Every token of a text attends to all of it; ``qkv`` and ``out`` begin at its first row.
inline void attend_all(const EncoderShape& s, const uint16_t* qkv, uint16_t* out, int tokens, EncoderRoom& room) {
    const int E = s.width / s.heads, places = filled(tokens, GROUP);
    const long stride = 3L * s.width;
    alignas(64) float found[2][LANES * LANES];
    for (int head = 0; head < s.heads; head++) {
        const uint16_t* queries = qkv + head * E;
        lay_out(queries + s.width, queries + 2 * s.width, stride, tokens, E, room);
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
                        widen_numbers(out + (long)(row + r) * s.width + head * E + i + b * LANES,
                                      load(found[b] + r * LANES) * all(1.0f / totals[r]));
            }
        }
    }
}

// The texts [first, last), whose tokens begin at starts; a vector of length one each.
static void encode_texts(const Encoder& m, const int32_t* tokens, const int32_t* starts, int first, int last,
                         EncoderRoom& room, float* out) {
    const EncoderShape& s = m.shape;
    const int D = s.width, begin = starts[first], count = starts[last] - begin, rows = filled(count, LANES);
    float* state = room.state.data();
    uint16_t *x = room.x.data(), *qkv = room.qkv.data(), *inner = room.inner.data(), *attended = room.attended.data();
    for (int text = first; text < last; text++)
        for (int at = starts[text]; at < starts[text + 1]; at++) {
            const float *word = m.tables.words + (long)tokens[at] * D, *place = m.tables.positions + (long)(at - starts[text]) * D;
            float* row = state + (long)(at - begin) * D;
            for (int i = 0; i < D; i += LANES) store(row + i, load(word + i) + load(place + i));
            standardise(row, x + (long)(at - begin) * D, D, s.eps, m.tables.scale, m.tables.shift);
        }
    auto add = [&](int row, int at, F found) {
        float* to = state + (long)row * D + at;
        store(to, load(to) + found);
    };
    for (const EncoderLayer& layer : m.layers) {
        multiply_rows(x, rows, D, layer.qkv, layer.qkv_bias, 3 * D,
                      [&](int row, int at, F found) { widen_numbers(qkv + 3L * row * D + at, found); });
        for (int text = first; text < last; text++) {
            const long row = starts[text] - begin;
            attend_all(s, qkv + 3 * row * D, attended + row * D, starts[text + 1] - starts[text], room);
        }
        multiply_rows(attended, rows, D, layer.o, layer.o_bias, D, add);
        for (int row = 0; row < count; row++)
            standardise(state + (long)row * D, x + (long)row * D, D, s.eps, layer.attention_scale, layer.attention_shift);
        multiply_rows(x, rows, D, layer.up, layer.up_bias, s.inner,
                      [&](int row, int at, F found) { widen_numbers(inner + (long)row * s.inner + at, gelu(found)); });
        multiply_rows(inner, rows, s.inner, layer.down, layer.down_bias, D, add);
        for (int row = 0; row < count; row++)
            standardise(state + (long)row * D, x + (long)row * D, D, s.eps, layer.ffn_scale, layer.ffn_shift);
    }
    for (int text = first; text < last; text++) {
        float* vector = out + (long)text * D;
        F squares = zero();
        for (int i = 0; i < D; i += LANES) {
            F total = zero();
            for (int at = starts[text]; at < starts[text + 1]; at++) total = total + load(state + (long)(at - begin) * D + i);
            total = total * all(1.0f / (starts[text + 1] - starts[text]));
            squares = fma(total, total, squares);
            store(vector + i, total);
        }
        const F share = all(1.0f / std::fmax(std::sqrt(sum(squares)), 1e-12f));
        for (int i = 0; i < D; i += LANES) store(vector + i, load(vector + i) * share);
    }
}

// Portions of whole texts, small enough that every thread has some.
static std::vector<int> portions(const int32_t* starts, int texts, int threads) {
    const int most = std::min(ROWS_AT_ONCE, std::max(2 * LANES, filled(starts[texts] / (2 * threads), 2 * LANES)));
    std::vector<int> firsts{0};
    for (int text = 1; text < texts; text++)
        if (starts[text + 1] - starts[firsts.back()] > most) firsts.push_back(text);
    firsts.push_back(texts);
    return firsts;
}

static void encode(Encoder& m, const int32_t* tokens, const int32_t* starts, int texts, float* out) {
    const std::vector<int> firsts = portions(starts, texts, m.shape.threads);
    int rows = 0, longest = 0;
    for (size_t i = 0; i + 1 < firsts.size(); i++) rows = std::max(rows, starts[firsts[i + 1]] - starts[firsts[i]]);
    for (int text = 0; text < texts; text++) longest = std::max(longest, starts[text + 1] - starts[text]);
    std::atomic<int> next{0};
    m.pool.run([&](int) {
        TileUse tiles;
        std::unique_ptr<EncoderRoom> room;
        for (int own; (own = next++) + 1 < (int)firsts.size();) {
            // A tile of queries may begin within the last rows of a text and reads sixteen.
            if (!room) room.reset(new EncoderRoom(m.shape, filled(rows, 2 * LANES) + 2 * LANES, filled(longest, GROUP)));
            encode_texts(m, tokens, starts, firsts[own], firsts[own + 1], *room, out);
        }
    });
}

#endif

}  // namespace alen

extern "C" {

#ifdef ALEN_TILES

// Null where there are no matrix units. Everything that is pointed to must outlive the encoder.
void* alen_encoder_new(const alen::EncoderShape* shape, const alen::EncoderTables* tables, const alen::EncoderLayer* layers) {
    if (!alen::tiles_allowed()) return nullptr;
    return new alen::Encoder{*shape, *tables, {layers, layers + shape->layers}, alen::Pool(shape->threads)};
}

void alen_encoder_free(void* encoder) { delete (alen::Encoder*)encoder; }

// The tokens of text i stand at [starts[i], starts[i + 1]), at least one; out is [texts][width].
void alen_encode(void* encoder, const int32_t* tokens, const int32_t* starts, int texts, float* out) {
    if (texts) alen::encode(*(alen::Encoder*)encoder, tokens, starts, texts, out);
}

#else

void* alen_encoder_new(const void*, const void*, const void*) { return nullptr; }
void alen_encoder_free(void*) {}
void alen_encode(void*, const int32_t*, const int32_t*, int, float*) {}

#endif
}
