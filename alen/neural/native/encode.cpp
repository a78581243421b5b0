// An encoder of BERT's family: whole texts in, one vector each out. A thread takes some texts and passes all layers with
// them alone, without a barrier. Rows never mix but in the attention of their own text, so that a vector is bit for bit
// the same whatever else is asked for.
#include <algorithm>
#include <atomic>
#include <memory>

#include "pool.h"
#include "tiles.h"

#ifdef ALEN_TILES
#include "encode_wide.h"
#else
#include "encode_narrow.h"
#endif

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

constexpr int ROWS_AT_ONCE = 256;  // of a thread, unless one text is longer: with all they need they stay in its cache

struct Layer {
    EncoderLayer given;
    Weights qkv, o, up, down;

    Layer(const EncoderShape& s, const EncoderLayer& from)
        : given(from), qkv(from.qkv, 3 * s.width, s.width), o(from.o, s.width, s.width), up(from.up, s.inner, s.width),
          down(from.down, s.width, s.inner) {}
};

struct Encoder {
    EncoderShape shape;
    EncoderTables tables;
    std::vector<Layer> layers;
    Pool pool;

    Encoder(const EncoderShape& s, const EncoderTables& t, const EncoderLayer* from) : shape(s), tables(t), pool(s.threads) {
        for (int number = 0; number < s.layers; number++) layers.emplace_back(s, from[number]);
    }
};

// What one thread needs for some rows.
struct EncoderRoom {
    Room<float> state;
    Room<Number> x, qkv, attended, inner;
    Rows made;  // of the product that comes next
    AttentionRoom attention;

    EncoderRoom(const EncoderShape& s, int rows, int longest)
        : state((long)rows * s.width), x((long)rows * s.width), qkv(3L * rows * s.width), attended((long)rows * s.width),
          inner((long)rows * s.inner), made(rows, std::max(s.width, s.inner)), attention(s.width / s.heads, longest) {}
};

// Mean zero and variance one, times a weight, plus a bias (Ba et al., 2016), in place and as an
// activation.
inline void standardise(float* state, Number* x, int width, float eps, const float* scale, const float* shift) {
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
        put(x + i, found);
    }
}

// The texts [first, last), whose tokens begin at starts; a vector of length one each.
static void encode_texts(const Encoder& m, const int32_t* tokens, const int32_t* starts, int first, int last,
                         EncoderRoom& room, float* out) {
    const EncoderShape& s = m.shape;
    const int D = s.width, begin = starts[first], count = starts[last] - begin, rows = filled(count, ROW_STEP);
    float* state = room.state.data();
    Number *x = room.x.data(), *qkv = room.qkv.data(), *inner = room.inner.data(), *attended = room.attended.data();
    Rows& made = room.made;
    auto ready_all = [&](const Number* numbers, int inputs) {
        for (int row = 0; row < count; row++) ready(numbers, row, inputs, made);
    };
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
    for (const Layer& own : m.layers) {
        const EncoderLayer& layer = own.given;
        ready_all(x, D);
        multiply_rows(x, made, rows, D, own.qkv, layer.qkv_bias, 3 * D,
                      [&](int row, int at, F found) { put(qkv + 3L * row * D + at, found); });
        for (int text = first; text < last; text++) {
            const long row = starts[text] - begin;
            attend_all(D, s.heads, qkv + 3 * row * D, attended + row * D, starts[text + 1] - starts[text], room.attention);
        }
        ready_all(attended, D);
        multiply_rows(attended, made, rows, D, own.o, layer.o_bias, D, add);
        for (int row = 0; row < count; row++)
            standardise(state + (long)row * D, x + (long)row * D, D, s.eps, layer.attention_scale, layer.attention_shift);
        ready_all(x, D);
        multiply_rows(x, made, rows, D, own.up, layer.up_bias, s.inner,
                      [&](int row, int at, F found) { put(inner + (long)row * s.inner + at, gelu(found)); });
        ready_all(inner, s.inner);
        multiply_rows(inner, made, rows, s.inner, own.down, layer.down_bias, D, add);
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
        [[maybe_unused]] TileUse tiles;
        std::unique_ptr<EncoderRoom> room;
        for (int own; (own = next++) + 1 < (int)firsts.size();) {
            // A tile of queries may begin within the last rows of a text and reads sixteen.
            if (!room) room.reset(new EncoderRoom(m.shape, filled(rows, 2 * LANES) + 2 * LANES, filled(longest, GROUP)));
            encode_texts(m, tokens, starts, firsts[own], firsts[own + 1], *room, out);
        }
    });
}

}  // namespace alen

extern "C" {

// Whether this processor, and its system, have what it takes.
int alen_encodes() { return alen::encodes(); }

// Null where they do not. Everything that is pointed to must outlive the encoder.
void* alen_encoder_new(const alen::EncoderShape* shape, const alen::EncoderTables* tables, const alen::EncoderLayer* layers) {
    if (!alen::encodes()) return nullptr;
    return new alen::Encoder(*shape, *tables, layers);
}

void alen_encoder_free(void* encoder) { delete (alen::Encoder*)encoder; }

// The tokens of text i stand at [starts[i], starts[i + 1]), at least one; out is [texts][width].
void alen_encode(void* encoder, const int32_t* tokens, const int32_t* starts, int texts, float* out) {
    if (texts) alen::encode(*(alen::Encoder*)encoder, tokens, starts, texts, out);
}
}
